"""Verdicts: whether a message says of the bot's last reply that it helped."""

import re
from collections.abc import Sequence

from bot.answer.transcript import Said
from conversation.events import BotSaid

# Yes and no to a question of the bot's, in English and in a word or two of other languages
_YES = re.compile(
    r"\W*(?:(?:yes|yep|yeah|yup|y|sure|ok(?:ay)?|please|of course|i would|gladly)(?:[\s,]*(?:please|do|i would))?"
    r"|oui(?:[\s,]*s['’]il vous pla[iî]t)?|ouais|volontiers|bien s[uû]r|avec plaisir|s['’]il vous pla[iî]t|ja|jo|gerne?|klar|jawohl|(?:ja )?bitte|ja graag"
    r"|s[ií]|claro(?: que s[ií])?|vale|(?:s[ií] )?por favor|sim|com certeza|certo|va bene|(?:s[iì] )?(?:grazie|per favore)|sì"
    r"|tak|prosz[eę]|ano|evet|l[uü]tfen|да|конечно|так|будь ласка|是|是的|好|好的|はい|お願いします|네|예)\W*",
    re.IGNORECASE,
)
_NO = re.compile(
    r"\W*(?:(?:no|nope|nah|neither|none)(?: of (?:them|these|those))?"
    r"|non|nein|nee|não|nie|ne|hayır|нет|ні|不|不是|いいえ|아니요)\W*",  # noqa: RUF001
    re.IGNORECASE,
)


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


def says_yes(text: str) -> bool:
    """Whether the message says yes and nothing else."""
    return _YES.fullmatch(text) is not None


def says_no(text: str) -> bool:
    """Whether the message says no and nothing else."""
    return _NO.fullmatch(text) is not None


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
    if reply.outcome == "suggest" and not reply.offers_person and (says_yes(text) or says_no(text)):
        return says_yes(text)
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
