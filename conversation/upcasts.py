"""Upcasts: what a stored body of an earlier version becomes, one version later, when it is read.

The wording rules of version 1 stand here and nowhere else: they are data about old events, not something that anything
decides by today.
"""

import re
from typing import Final

from pydantic import JsonValue

Body = dict[str, JsonValue]

# How the bot of version 1, which spoke English only, offered a person in words; "yes" to it was a call.
OFFERS: Final = (
    "Would you like to talk to a person?",
    "Would you like a person to get back to you by email?",
    "Leave your email address and a person will get back to you",
)
PERSON_BUTTON: Final = "Talk to a person"
REASONS: Final = ("visitor_asked", "low_confidence", "frustrated", "repeated_failure", "policy")
# The sentence of source that closed its answers, and the offer of a person below that.
_SOURCE = re.compile(
    r"(?:\A|\n\n)(?:This is from our article|You can read on in our article) "
    r"\[(?:[^\]\\\n]|\\.){1,1000}\]\([^()\s]{1,2000}\)\.(?:\n\nI am sorry for the trouble\.[^\n]*)?\s*\Z"
)


def type_bot_said(body: Body) -> Body:
    """`bot_said` 1 to 2: what its text, its suggestions and its trace tell becomes fields of its own."""
    text, outcome = str(body.get("text", "")), body.get("outcome")
    trace = body.get("trace")
    trace = trace if isinstance(trace, dict) else {}
    kept = {name: value for name, value in body.items() if name != "suggestions"}
    return {
        **kept,
        "reason": reason if (reason := trace.get("reason")) in REASONS else None,
        "offers_person": any(offer in text for offer in OFFERS),
        "choices": [*_choices(body.get("suggestions"), trace.get("offered"))],
        "passage": without_source(text) if outcome == "answer" else "",
        "failed": outcome == "no_answer",
        "mood": _mood(trace.get("mood")),
    }


def without_source(reply: str) -> str:
    """An answer of version 1 without its sentence of source and what was offered below it."""
    return _SOURCE.sub("", reply)


def _choices(suggestions: JsonValue, offered: JsonValue) -> list[Body]:
    """The buttons; the trace names the articles of those that are titles, in their order."""
    labels = [str(label) for label in suggestions] if isinstance(suggestions, list) else []
    ids: list[JsonValue] = offered if isinstance(offered, list) else []
    titles = [label for label in labels if label != PERSON_BUTTON]
    known = iter(ids if len(ids) == len(titles) else [None] * len(titles))
    return [
        {"kind": "person", "label": label}
        if label == PERSON_BUTTON
        else {"kind": "article", "label": label, "article_id": next(known)}
        for label in labels
    ]


def _mood(mood: JsonValue) -> JsonValue:
    match mood:
        case {"score": int() | float() as score, "reason": str(reason)}:
            return {"score": score, "reason": reason}
        case _:
            return None
