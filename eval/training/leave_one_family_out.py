"""Leave one family out: searches with weights learned without a family of sets, so that what is measured on it was not seen before."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from eval.training.learning_to_rank import Floats, Weights
from eval.training.ranker import learned, read_all
from retrieval.search import context_dependence, ranker
from retrieval.search.learned_parameters import Group


@contextmanager
def unseen(family: str, shared: Path, data: Path) -> Iterator[None]:
    """Meanwhile every search of this process uses the weights that all other families teach."""
    with searching_with(learned(read_all(shared, data), without=family)):
        yield


@contextmanager
def searching_with(weights: Weights) -> Iterator[None]:
    """Meanwhile every search of this process uses these weights instead of the shipped ones."""

    def instead(group: Group, names: tuple[str, ...]) -> Floats:  # noqa: ARG001 - as `default_parameters`
        return weights[group]

    with (
        patch.object(ranker, "default_parameters", instead),
        patch.object(context_dependence, "default_parameters", instead),
    ):
        yield
