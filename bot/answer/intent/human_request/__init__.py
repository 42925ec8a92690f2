"""Whether a visitor asks for a person: a lexicon that is sure at no cost, and a probe on the sentence vector for the rest."""

from bot.answer.intent.human_request.lexicon import RequestWording, wording
from bot.answer.intent.human_request.probe import RequestProbe, cached_request_probe, default_probe

__all__ = ["RequestProbe", "RequestWording", "cached_request_probe", "default_probe", "wording"]
