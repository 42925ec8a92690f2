"""Verdicts: whether a message says of the bot's last reply that it helped."""

import re
from collections.abc import Sequence

from bot.answer.intent.chitchat import Kind, phrase_kinds
from bot.answer.transcript import Said
from conversation.events import BotSaid

YES: frozenset[Kind] = frozenset({"yes", "yes_if_asked", "please", "thumb_up"})
NO: frozenset[Kind] = frozenset({"no", "thumb_down"})
BESIDE: frozenset[Kind] = frozenset({"smile", "filler", "please"})  # what may stand beside a yes or a no

# After a passage: what it told was tried and did not do. In a longer message this may be what the question is about.
_UNSOLVED = re.compile(
    r"\b(?:(?:that|this|it|which)?\s*(?:did|does|do|has|is|was)(?:n['’]?t| not)\s+(?:work|help|change|do it|fix)(?:ed|ing)?"
    r"|still (?:no|not|nothing|does|did|do|can|could|won|is|has|have|get|getting|broken|the same|stuck|locked|says?|shows?|fails?)"
    r"|same (?:error|problem|issue|thing|result|message)|no (?:luck|success|change|effect)|doesn['’]?t do (?:it|anything)"
    r"|(?:already |just )?(?:tried|did|done) (?:that|this|it|all that)|nothing (?:happens|happened|changes|changed)"
    r"|hat nicht (?:geholfen|funktioniert)|(?:geht|funktioniert) (?:immer noch|trotzdem) nicht|immer noch (?:nicht|nichts|kein\w*)"
    r"|[cç]a n['’]a pas march[eé]|toujours (?:pas|rien)|no (?:ha )?funcion[aó]|sigue sin|non (?:ha )?funziona(?:to)?"
    r"|n[aã]o (?:funcionou|resolveu)|ainda n[aã]o|werkt(?: nog steeds)? niet|nog steeds (?:niet|geen)|nie (?:dzia[lł]a|pomog[lł]o))\b",
    re.IGNORECASE,
)
UNSOLVED_WORDS = 8


def says(answer: frozenset[Kind], kinds: frozenset[Kind]) -> bool:
    """Whether what a message is made of says this, YES or NO, and nothing else."""
    return bool(kinds & answer) and kinds <= answer | BESIDE


def says_unsolved(text: str) -> bool:
    """Whether a short message says that what was told did not solve it."""
    return len(text.split()) <= UNSOLVED_WORDS and _UNSOLVED.search(text) is not None


def verdict_of(text: str, reply: BotSaid | Said) -> bool | None:
    """The verdict on the reply that `text` is: one of its buttons that say whether it helped, or yes or no to a suggestion.

    Where a suggestion offers a person too, yes and no are said to that.
    """
    pressed = next((choice.kind for choice in reply.choices if choice.label == text), None)
    if pressed in ("helped", "not_helped"):
        return pressed == "helped"
    kinds = phrase_kinds(text) if reply.outcome == "suggest" and not reply.offers_person else None
    if kinds is not None and (says(YES, kinds) or says(NO, kinds)):
        return says(YES, kinds)
    return None


def without_verdicts(earlier: Sequence[Said]) -> list[Said]:
    """What was said but for verdicts: they are of no subject and tell no mood, and their words are those of a button."""
    spoken = []
    before = Said("visitor", "")
    for said in earlier:
        if said.role != "visitor" or verdict_of(said.text, before) is None:
            spoken.append(said)
        before = said
    return spoken
