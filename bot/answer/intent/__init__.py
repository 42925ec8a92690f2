"""Intent: small talk, a request for a person, or a question."""

from bot.answer.intent.human_request import RequestProbe, cached_request_probe
from bot.answer.intent.understanding import (
    NOT_CONTENT,
    Intent,
    SmallTalk,
    Understood,
    calls_off,
    small_talk,
    understand,
)
from bot.answer.intent.verdict import says_unsolved, verdict_of, without_verdicts

__all__ = [
    "NOT_CONTENT",
    "Intent",
    "RequestProbe",
    "SmallTalk",
    "Understood",
    "cached_request_probe",
    "calls_off",
    "says_unsolved",
    "small_talk",
    "understand",
    "verdict_of",
    "without_verdicts",
]
