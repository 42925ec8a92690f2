"""Intent: small talk, a request for a person, or a question."""

from bot.answer.intent.understanding import (
    Intent,
    SmallTalk,
    Understood,
    calls_off,
    small_talk,
    understand,
)

__all__ = [
    "Intent",
    "SmallTalk",
    "Understood",
    "calls_off",
    "small_talk",
    "understand",
]
