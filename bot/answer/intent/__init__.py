"""Intent: small talk, a request for a person, or a question."""

from bot.answer.intent.understanding import (
    LEAVE_ADDRESS,
    OFFER,
    OFFER_BY_EMAIL,
    Intent,
    SmallTalk,
    Understood,
    calls_off,
    offers_in_words,
    small_talk,
    understand,
)

__all__ = [
    "LEAVE_ADDRESS",
    "OFFER",
    "OFFER_BY_EMAIL",
    "Intent",
    "SmallTalk",
    "Understood",
    "calls_off",
    "offers_in_words",
    "small_talk",
    "understand",
]
