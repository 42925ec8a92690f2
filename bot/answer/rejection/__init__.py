"""Rejection: what of the bot's replies the visitor has rejected, and what they still ask."""

from bot.answer.rejection.complaints import complains_alone, rejects
from bot.answer.rejection.rejected_answers import NOTHING_REJECTED, Rejected, failures_in_a_row, rejected
from bot.answer.rejection.request import request_before

__all__ = [
    "NOTHING_REJECTED",
    "Rejected",
    "complains_alone",
    "failures_in_a_row",
    "rejected",
    "rejects",
    "request_before",
]
