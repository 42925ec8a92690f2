"""Wake-ups within one process."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from conversation.values import Hint, Listener, Reached

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Ear:
    """One who listens, told apart from another of the same function. Each visitor's socket has one: it is small."""

    listener: Listener


_Topics = dict[str, tuple[_Ear, ...]]


class LocalBus:
    """A `Bus` of plain dictionaries: publishing costs a lookup for each topic and a call for each listener."""

    def __init__(self) -> None:
        self._conversations: _Topics = {}
        self._visitors: _Topics = {}
        self._everything: tuple[_Ear, ...] = ()

    def publish(self, hint: Hint) -> None:
        """Tell those who listen to the hint's conversation or visitor, and those who listen to everything."""
        _tell(self._conversations.get(hint.conversation_id, ()), hint)
        if isinstance(hint, Reached):
            _tell(self._visitors.get(hint.visitor_id, ()), hint)
        _tell(self._everything, hint)

    def listen(
        self, listener: Listener, *, conversation_id: str | None = None, visitor_id: str | None = None
    ) -> Callable[[], None]:
        """Call `listener` on each hint of the topic, of everything where none is given; returns what ends it."""
        ear = _Ear(listener)
        if conversation_id is not None:
            _join(self._conversations, conversation_id, ear)
        if visitor_id is not None:
            _join(self._visitors, visitor_id, ear)
        if conversation_id is None and visitor_id is None:
            self._everything = (*self._everything, ear)
        return partial(self._leave, ear, conversation_id, visitor_id)

    def topics(self) -> tuple[frozenset[str], frozenset[str], bool]:
        """What is listened to: conversation ids, visitor ids, and whether anyone listens to everything."""
        return frozenset(self._conversations), frozenset(self._visitors), bool(self._everything)

    def _leave(self, ear: _Ear, conversation_id: str | None, visitor_id: str | None) -> None:
        if conversation_id is not None:
            _part(self._conversations, conversation_id, ear)
        if visitor_id is not None:
            _part(self._visitors, visitor_id, ear)
        if conversation_id is None and visitor_id is None:
            self._everything = _without(ear, self._everything)


def _join(topics: _Topics, name: str, ear: _Ear) -> None:
    topics[name] = (*topics.get(name, ()), ear)


def _part(topics: _Topics, name: str, ear: _Ear) -> None:
    left = _without(ear, topics.pop(name, ()))
    if left:
        topics[name] = left


def _without(ear: _Ear, ears: tuple[_Ear, ...]) -> tuple[_Ear, ...]:
    return tuple(other for other in ears if other is not ear)


def _tell(ears: tuple[_Ear, ...], hint: Hint) -> None:
    for ear in ears:  # a listener may leave while it is told; the tuple stays as it was
        try:
            ear.listener(hint)
        except Exception:
            log.exception("bus.listener_failed", conversation_id=hint.conversation_id)
