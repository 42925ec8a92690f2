"""The request: what the visitor asked for last, to which choices, verdicts and complaints are only a reply."""

from collections.abc import Sequence

from bot.answer.intent import understand
from bot.answer.rejection.complaints import complains_alone, rejects
from bot.answer.transcript import Said


def request_before(earlier: Sequence[Said]) -> tuple[str, Sequence[Said]] | None:
    """What was asked before, and what had been said until then; None where nothing was.

    What a complaint tells of the matter ("still no email") is asked with what it is about.
    """
    asked: list[str] = []
    for index in range(len(earlier) - 1, -1, -1):
        if earlier[index].role != "visitor":
            continue
        text, context = earlier[index].text, earlier[:index]
        complains = _is_told(context) and rejects(text)
        if complains_alone(text) if complains else not _asks(text, context):
            continue
        asked.insert(0, text)
        if not complains:
            return "\n".join(asked), context
    return ("\n".join(asked), ()) if asked else None


def _asks(text: str, context: Sequence[Said]) -> bool:
    understood = understand(text, context)
    return understood.intent == "question" and understood.chosen is None


def _is_told(context: Sequence[Said]) -> bool:
    """Whether a passage came right before, which a complaint can be about."""
    return bool(context) and bool(context[-1].passage)
