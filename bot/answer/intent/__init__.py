"""Intent: small talk, a request for a person, or a question."""

from bot.answer.intent.asking import is_fragment
from bot.answer.intent.human_request import RequestProbe, cached_request_probe
from bot.answer.intent.question_parts import several_questions
from bot.answer.intent.understanding import (
    NOT_CONTENT,
    Intent,
    SmallTalk,
    Understood,
    asks_nothing,
    calls_off,
    small_talk,
    understand,
)
from bot.answer.intent.verdict import verdict_of, without_verdicts

__all__ = [
    "NOT_CONTENT",
    "Intent",
    "RequestProbe",
    "SmallTalk",
    "Understood",
    "asks_nothing",
    "cached_request_probe",
    "calls_off",
    "is_fragment",
    "several_questions",
    "small_talk",
    "understand",
    "verdict_of",
    "without_verdicts",
]
