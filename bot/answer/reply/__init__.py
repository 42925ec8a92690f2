"""Puts a decision into words: extractive, or by a language model whose claims are checked."""

from bot.answer.reply.extractive import said, without_source
from bot.answer.reply.generator import Extractive, Generator, Show, Task, Wording, unseen
from bot.answer.reply.phrases import TALK_TO_PERSON

__all__ = ["TALK_TO_PERSON", "Extractive", "Generator", "Show", "Task", "Wording", "said", "unseen", "without_source"]
