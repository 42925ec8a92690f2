"""Whether a visitor asks for a person: a lexicon that is sure at no cost, and a probe on the sentence vector for the rest."""

from bot.answer.intent.human_request.lexicon import Wording, wording
from bot.answer.intent.human_request.probe import RequestProbe, default_probe, kept_probe

__all__ = ["RequestProbe", "Wording", "default_probe", "kept_probe", "wording"]
