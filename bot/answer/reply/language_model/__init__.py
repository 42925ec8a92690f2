"""Replies worded by a language model, within bounds of time and tokens, each claim grounded in a cited passage."""

from bot.answer.reply.language_model.breaker import Breaker
from bot.answer.reply.language_model.budget import Budget
from bot.answer.reply.language_model.generate import Bounds, Call, ModelGenerator
from bot.answer.reply.language_model.provider import ModelUnusable, Service, Stream, connect

__all__ = ["Bounds", "Breaker", "Budget", "Call", "ModelGenerator", "ModelUnusable", "Service", "Stream", "connect"]
