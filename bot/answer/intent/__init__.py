"""Intent: small talk, a request for a person, or a question."""

from bot.answer.intent.human_request import RequestProbe, kept_probe
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
    "RequestProbe",
    "SmallTalk",
    "Understood",
    "calls_off",
    "kept_probe",
    "small_talk",
    "understand",
]
