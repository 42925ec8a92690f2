"""The answering core: from what was said to a reply, without web framework, database or settings."""

from bot.answer.candidates import SUGGESTED, reach
from bot.answer.citations import url_of
from bot.answer.confidence import OWN, Calibration, Point, default_calibration, in_use, threshold
from bot.answer.policy import Decision, Policy
from bot.answer.probes import Sentences
from bot.answer.rejection import failures_in_a_row, rejected
from bot.answer.retrieve import Encode, SearchedAlone, retrieve_passages
from bot.answer.search_cache import SearchCache
from bot.answer.summary import handover
from bot.answer.transcript import Said, transcript_of, verdicts
from bot.answer.turn import Reply, take_turn
from bot.answer.turn_input import TurnDeps, TurnInput

__all__ = [
    "OWN",
    "SUGGESTED",
    "Calibration",
    "Decision",
    "Encode",
    "Point",
    "Policy",
    "Reply",
    "Said",
    "SearchCache",
    "SearchedAlone",
    "Sentences",
    "TurnDeps",
    "TurnInput",
    "default_calibration",
    "failures_in_a_row",
    "handover",
    "in_use",
    "reach",
    "rejected",
    "retrieve_passages",
    "take_turn",
    "threshold",
    "transcript_of",
    "url_of",
    "verdicts",
]
