"""In-process bus: publish and subscribe for wake-ups within one process."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from conversation.values import Hint, Listener, Reached

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Subscriber:
    """A subscriber: one listener, told apart from another of the same function. Each socket has one."""

    listener: Listener


_Topics = dict[str, tuple[_Subscriber, ...]]


class LocalBus:
    """The in-process `Bus`: publishing costs a lookup for each topic and a call for each listener."""

    def __init__(self) -> None:
        self._conversations: _Topics = {}
        self._visitors: _Topics = {}
        self._everything: tuple[_Subscriber, ...] = ()

    def publish(self, hint: Hint) -> None:
        """Tell those who listen to the hint's conversation or visitor, and those who listen to everything."""
        _notify(self._conversations.get(hint.conversation_id, ()), hint)
        if isinstance(hint, Reached):
            _notify(self._visitors.get(hint.visitor_id, ()), hint)
        _notify(self._everything, hint)

    def listen(
        self, listener: Listener, *, conversation_id: str | None = None, visitor_id: str | None = None
    ) -> Callable[[], None]:
        """Call `listener` on each hint of the topic, of everything where none is given; returns what ends it."""
        subscriber = _Subscriber(listener)
        if conversation_id is not None:
            _add(self._conversations, conversation_id, subscriber)
        if visitor_id is not None:
            _add(self._visitors, visitor_id, subscriber)
        if conversation_id is None and visitor_id is None:
            self._everything = (*self._everything, subscriber)
        return partial(self._unsubscribe, subscriber, conversation_id, visitor_id)

    def topics(self) -> tuple[frozenset[str], frozenset[str], bool]:
        """What is listened to: conversation ids, visitor ids, and whether anyone listens to everything."""
        return frozenset(self._conversations), frozenset(self._visitors), bool(self._everything)

    def _unsubscribe(self, subscriber: _Subscriber, conversation_id: str | None, visitor_id: str | None) -> None:
        if conversation_id is not None:
            _remove(self._conversations, conversation_id, subscriber)
        if visitor_id is not None:
            _remove(self._visitors, visitor_id, subscriber)
        if conversation_id is None and visitor_id is None:
            self._everything = _without(subscriber, self._everything)


def _add(topics: _Topics, name: str, subscriber: _Subscriber) -> None:
    topics[name] = (*topics.get(name, ()), subscriber)


def _remove(topics: _Topics, name: str, subscriber: _Subscriber) -> None:
    remaining = _without(subscriber, topics.pop(name, ()))
    if remaining:
        topics[name] = remaining


def _without(subscriber: _Subscriber, subscribers: tuple[_Subscriber, ...]) -> tuple[_Subscriber, ...]:
    return tuple(other for other in subscribers if other is not subscriber)


def _notify(subscribers: tuple[_Subscriber, ...], hint: Hint) -> None:
    for subscriber in subscribers:  # a listener may leave while it is told; the tuple stays as it was
        try:
            subscriber.listener(hint)
        except Exception:
            log.exception("bus.listener_failed", conversation_id=hint.conversation_id)
