"""One candidate before a person: what they see of it, and what they type."""

import difflib
import sys
from collections.abc import Collection

from eval.label.candidates import Candidate
from retrieval.articles import plain

SHOWN_CHARS = 300  # of a text, on the terminal
Judgement = frozenset[str] | str  # the articles that answer it (empty: none does), SKIP or QUIT
SKIP, QUIT = "skip", "quit"


def judge(candidate: Candidate, article_ids: Collection[str]) -> Judgement:
    """Show it and ask until something fits; the end of the input quits. Ids are those of the articles there are."""
    _say(*_shown(candidate))
    shown_id = candidate.citation.article_id
    accepted = shown_id if candidate.helped and shown_id in article_ids else None
    if shown_id not in article_ids:
        _say(f"  the article {shown_id!r} is no longer there; name another one, or skip")
    keys = f"{'y it answers, ' if accepted else ''}ids of the articles that answer, 0 none does, n skip, q quit: "
    while True:
        sys.stdout.write(keys)
        sys.stdout.flush()
        line = sys.stdin.readline()
        judgement = _understood(line.split(), accepted, article_ids) if line else QUIT
        if judgement is not None:
            return judgement


def one_line(text: str) -> str:
    """Text for a terminal: no line breaks, and none of the characters that steer one."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    flat = " ".join(printable.split())
    return flat if len(flat) <= SHOWN_CHARS else f"{flat[:SHOWN_CHARS]}..."


def first_line(candidate: Candidate) -> str:
    """How the passage that was shown begins."""
    return next(filter(None, map(plain, candidate.passage.splitlines())), "")


def _shown(candidate: Candidate) -> list[str]:
    earlier = [turn.text for turn in candidate.history if turn.role == "user"][-1:]
    return [
        *(f"  earlier:  {one_line(text)}" for text in earlier),
        f"  question: {one_line(candidate.question)}",
        f"  shown:    {one_line(candidate.citation.title)} ({candidate.citation.article_id})",
        f"            {one_line(first_line(candidate))}",
        f"  verdict:  {'it helped' if candidate.helped else 'it did not help'}",
    ]


def _understood(words: list[str], accepted: str | None, article_ids: Collection[str]) -> Judgement | None:
    """What was typed; None, and a word on what is wrong, where it is asked again."""
    match [word.lower() for word in words]:
        case ["y" | "yes"]:
            if accepted is None:
                _say("there is nothing to accept: name the articles that answer, or 0 where none does")
            return None if accepted is None else frozenset([accepted])
        case ["n" | "no"]:
            return SKIP
        case ["q" | "quit"]:
            return QUIT
        case ["0"]:
            return frozenset()
    unknown = [word for word in words if word not in article_ids]
    _say(*(_no_article(word, article_ids) for word in unknown))
    return None if unknown or not words else frozenset(words)


def _no_article(word: str, article_ids: Collection[str]) -> str:
    near = difflib.get_close_matches(word, article_ids, n=3)
    meant = (
        f"did you mean {', '.join(near)}?" if near else "an id is the article's `id`, or its file's name without .md"
    )
    return f"there is no article {word!r}; {meant}"


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
