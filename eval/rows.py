"""A row of `cases.jsonl`: how the bot answered one case, from which every metric follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field, JsonValue

from conversation.events import SHOWS_PASSAGE, Choice, Citation, Outcome, Reason

RANKED_LIMIT = 20  # docs/protocol.md: evaluation files
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class Row:
    """How the bot answered one case; `ranked` are article ids, best first, up to 20; `confidence` is 0 to 1.

    `shown` are the ids of the articles that the reply puts before the visitor, citations first. `passage` is what an answer
    or a suggestion says without its source, None in rows of earlier versions; `features` is what the confidence is made
    of, `reach` how many times as likely the first three articles together are. `trace` is for people.
    """

    row_id: Annotated[str, Field(alias="id")]
    outcome: Outcome
    confidence: Share
    ranked: tuple[str, ...]
    shown: tuple[str, ...]
    citations: tuple[Citation, ...]
    text: str
    frustration: Share | None
    reason: Reason | None
    latency_ms: Annotated[float, Field(ge=0)]
    passage: str | None = None
    choices: tuple[Choice, ...] = ()
    features: Mapping[str, float] = field(default_factory=dict)
    reach: float = 1.0
    trace: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def chosen(self) -> str | None:
        """The article the reply stands on: its first citation if it shows a passage, else what was ranked first."""
        if self.outcome in SHOWS_PASSAGE:
            return self.citations[0].article_id if self.citations else None
        return self.ranked[0] if self.ranked else None

    @property
    def useful(self) -> float:
        """How likely one of the first three articles is to answer, 0 to 1."""
        return min(1.0, self.confidence * self.reach)

    @property
    def says(self) -> str:
        """What the reply says: of an answer or a suggestion its passage, if that is known."""
        return self.text if self.outcome not in SHOWS_PASSAGE or self.passage is None else self.passage
