"""The generator port: who puts an answer into words. Whether there is one to give has been decided before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.answer.reply.catalogue import Catalogue
from bot.answer.transcript import Said
from conversation.events import Citation, JsonObject
from retrieval.search import Hit

Show = Callable[[str], None]


def unseen(_text: str) -> None:
    """For replies that nobody watches in the making."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A generated reply in Markdown, where it is from, and what the trace should say of how it was worded.

    `passage` is what an answer says, without the line that names its source; empty for what is no answer.
    """

    text: str
    citations: tuple[Citation, ...] = ()
    passage: str = ""
    trace: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """A generation task: to answer `question` from `hits`, best first, after `earlier`, oldest first, with our `phrases`.

    `extract` is the extractive reply, which always will do. `show` takes each part of the reply, in order, as soon as
    it is sure to stay.
    """

    question: str
    earlier: Sequence[Said]
    hits: Sequence[Hit]
    base_url: str
    extract: Wording
    phrases: Catalogue
    show: Show = unseen


class Generator(Protocol):
    """The port of a generator: words answers; it never fails, and takes no longer than a turn may."""

    async def word(self, task: Task) -> Wording:
        """The answer. Cancelled, it leaves nothing running."""


class Extractive:
    """The extractive generator: says it in the article's own words."""

    async def word(self, task: Task) -> Wording:
        """The extract as it is."""
        return task.extract
