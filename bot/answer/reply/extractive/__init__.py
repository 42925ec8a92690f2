"""Extractive answers, made of the passage that answers, without a language model."""

from bot.answer.reply.extractive.chat_inline import escaped
from bot.answer.reply.extractive.extraction import extract
from bot.answer.reply.extractive.query_coverage import said
from bot.answer.reply.extractive.source_line import label

__all__ = ["escaped", "extract", "label", "said"]
