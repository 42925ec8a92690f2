"""Whether a message asks nothing: a lexicon of greetings, thanks, yes, no, emoji and the like in many languages."""

from bot.answer.intent.chitchat.phrases import Kind, phrase_kinds

__all__ = ["Kind", "phrase_kinds"]
