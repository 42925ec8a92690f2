"""Puts a decision into words: extractive, or by a language model whose claims are checked."""

from bot.answer.reply.catalogue import Catalogue, Phrasebook, default_phrasebook, read_phrasebook
from bot.answer.reply.extractive import said
from bot.answer.reply.generator import Extractive, Generator, Show, Task, Wording, unseen
from bot.answer.reply.sentences import split_sentences

__all__ = [
    "Catalogue",
    "Extractive",
    "Generator",
    "Phrasebook",
    "Show",
    "Task",
    "Wording",
    "default_phrasebook",
    "read_phrasebook",
    "said",
    "split_sentences",
    "unseen",
]
