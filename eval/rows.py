"""How the bot answered one case: a row of `cases.jsonl`, from which every metric follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field, JsonValue

from conversation.events import Citation, Outcome, Reason

RANKED_LIMIT = 20  # PROTOCOL: evaluation files
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class Row:
    """How the bot answered one case; `ranked` are article ids, best first, up to 20; `confidence` is 0 to 1."""

    row_id: Annotated[str, Field(alias="id")]
    outcome: Outcome
    confidence: Share
    ranked: tuple[str, ...]
    citations: tuple[Citation, ...]
    text: str
    frustration: Share | None
    reason: Reason | None
    latency_ms: Annotated[float, Field(ge=0)]
    trace: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def chosen(self) -> str | None:
        """The article the reply stands on: its first citation if it answers, else what was ranked first."""
        if self.outcome == "answer":
            return self.citations[0].article_id if self.citations else None
        return self.ranked[0] if self.ranked else None
