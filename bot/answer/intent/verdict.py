"""Verdicts: whether a message says of the bot's last reply that it helped."""

from collections.abc import Sequence

from bot.answer.intent.chitchat import Kind, phrase_kinds
from bot.answer.transcript import Said
from conversation.events import BotSaid

YES: frozenset[Kind] = frozenset({"yes", "ok", "yes_if_asked", "please", "thumb_up"})
HELPED: frozenset[Kind] = frozenset({"yes", "yes_if_asked", "thumb_up"})  # "ok" is said of what was read too
NO: frozenset[Kind] = frozenset({"no", "thumb_down"})
BESIDE: frozenset[Kind] = frozenset({"smile", "filler", "please"})  # what may stand beside a yes or a no


def says(answer: frozenset[Kind], kinds: frozenset[Kind]) -> bool:
    """Whether what a message is made of says this, YES or NO, and nothing else."""
    return bool(kinds & answer) and kinds <= answer | BESIDE


def verdict_of(text: str, reply: BotSaid | Said) -> bool | None:
    """The verdict on the reply that `text` is: one of its buttons that say whether it helped, or yes or no to a suggestion.

    Where a suggestion offers a person too, yes and no are said to that.
    """
    pressed = next((choice.kind for choice in reply.choices if choice.label == text), None)
    if pressed in ("helped", "not_helped"):
        return pressed == "helped"
    kinds = phrase_kinds(text) if reply.outcome == "suggest" and not reply.offers_person else None
    if kinds is not None and says(NO, kinds):
        return False
    return True if kinds is not None and kinds & HELPED and says(YES, kinds) else None


def without_verdicts(earlier: Sequence[Said]) -> list[Said]:
    """What was said but for verdicts: they are of no subject and tell no mood, and their words are those of a button."""
    spoken = []
    before = Said("visitor", "")
    for said in earlier:
        if said.role != "visitor" or verdict_of(said.text, before) is None:
            spoken.append(said)
        before = said
    return spoken
