from collections.abc import Callable
from pathlib import Path

import pytest

from bot.answer.confidence import Calibration
from bot.answer.turn import TurnDeps
from conversation.events import Citation
from eval.cases import Question
from eval.rows import Row
from retrieval.articles.article import read
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder
from tests.builders import RecordingEncode


@pytest.fixture
def deps(small_kb: Path, hashed: Calibration) -> TurnDeps:
    """The articles of a shop, found by hashed vectors."""
    encoder = HashingEncoder()
    return TurnDeps(build(read(small_kb).articles, encoder), RecordingEncode(encoder), calibration=hashed)


@pytest.fixture
def row() -> Callable[..., Row]:
    def make(row_id="q1", *, outcome="answer", confidence=0.9, ranked=("a",), cited=None, **fields) -> Row:
        cited = ranked[:1] if cited is None and outcome == "answer" else cited or ()
        defaults = {"text": "Reply.", "frustration": None, "reason": None, "latency_ms": 4.0}
        citations = tuple(
            Citation(article_id, article_id.upper(), None, f"/help/{article_id}", "q") for article_id in cited
        )
        shown = fields.pop("shown", tuple(cited))
        return Row(row_id, outcome, confidence, tuple(ranked), tuple(shown), citations, **(defaults | fields))

    return make


@pytest.fixture
def question() -> Callable[..., Question]:
    def make(case_id="q1", *, gold=("a",), text="How?", **fields) -> Question:
        return Question(case_id, text, frozenset(gold), **fields)

    return make
