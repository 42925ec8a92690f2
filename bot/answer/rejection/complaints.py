"""Complaints: whether a message says in words that the reply before it was wrong or did not help."""

import re

from bot.answer.frustration import cues, matter
from bot.answer.intent import asks_nothing
from retrieval.index import STOPWORDS

UNSOLVED_WORDS = 8  # in a longer message the words may be what the question is about

# After a passage: what it told was tried and did not do
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
# "that's not it either": what stands beside a complaint and tells nothing
_BESIDE = re.compile(
    r"['’]s\b|\b(?:either|again|any ?more|too|auch|wieder|non plus|tampoco|neanche|nemmeno|também não|ook|też)\b",
    re.IGNORECASE,
)


def rejects(text: str) -> bool:
    """Whether a message says that the reply before it was wrong, or did not solve it."""
    return cues(text)["rejected"] > 0 or _says_unsolved(text)


def complains_alone(text: str) -> bool:
    """Whether a message says so and nothing of the matter: "still nothing", yet not "still no email"."""
    left = [word for word in matter(_BESIDE.sub("", _UNSOLVED.sub(" ", text))) if word not in STOPWORDS]
    return rejects(text) and asks_nothing(" ".join(left))


def _says_unsolved(text: str) -> bool:
    return len(text.split()) <= UNSOLVED_WORDS and _UNSOLVED.search(text) is not None
