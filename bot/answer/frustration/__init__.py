"""Frustration (sentiment) over the whole conversation: a lexicon, a probe on the sentence vector, the trajectory."""

from bot.answer.frustration.displeasure import displeasure_alone
from bot.answer.frustration.lexicon import cues, matter
from bot.answer.frustration.probe import Tone, cached_probe
from bot.answer.frustration.score import FRUSTRATED_FROM, mood, same_request

__all__ = ["FRUSTRATED_FROM", "Tone", "cached_probe", "cues", "displeasure_alone", "matter", "mood", "same_request"]
