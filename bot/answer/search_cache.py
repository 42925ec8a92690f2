"""What was found for the questions asked last, so that a question many visitors ask in the same words is searched once."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from retrieval.index import Snapshot

MAX_QUESTIONS = 256  # 48 KiB each with 414 articles
Found = TypeVar("Found")


class SearchCache(Generic[Found]):
    """The results of the last searches of one snapshot, by what decided them; another snapshot finds it empty.

    At `max_questions` the one that was asked longest ago is forgotten. Belongs to one event loop.
    """

    def __init__(self, max_questions: int = MAX_QUESTIONS) -> None:
        self._max_questions = max_questions
        self._snapshot: Snapshot | None = None
        self._found: OrderedDict[Hashable, Found] = OrderedDict()

    def __len__(self) -> int:
        """How many results are kept."""
        return len(self._found)

    def get(self, snapshot: Snapshot, key: Hashable) -> Found | None:
        """What was found in this snapshot, if it is still known."""
        if snapshot is not self._snapshot:
            self._snapshot = snapshot
            self._found.clear()
        if key in self._found:
            self._found.move_to_end(key)
        return self._found.get(key)

    def keep(self, snapshot: Snapshot, key: Hashable, found: Found) -> None:
        """Keep what was found, unless another snapshot was asked since."""
        if snapshot is not self._snapshot:
            return
        self._found[key] = found
        if len(self._found) > self._max_questions:
            self._found.popitem(last=False)
