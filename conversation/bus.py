"""Wake-ups within one process."""

from collections.abc import Callable

import structlog

from conversation.ports import Hint, Listener, Reached

log = structlog.get_logger(__name__)

_Topic = dict[object, Listener]


class LocalBus:
    """A `Bus` of plain dictionaries: publishing costs a lookup for each topic and a call for each listener."""

    def __init__(self) -> None:
        self._conversations: dict[str, _Topic] = {}
        self._visitors: dict[str, _Topic] = {}
        self._everything: _Topic = {}

    def publish(self, hint: Hint) -> None:
        """Tell those who listen to the hint's conversation or visitor, and those who listen to everything."""
        _tell(self._conversations.get(hint.conversation_id), hint)
        if isinstance(hint, Reached):
            _tell(self._visitors.get(hint.visitor_id), hint)
        _tell(self._everything, hint)

    def listen(
        self, listener: Listener, *, conversation_id: str | None = None, visitor_id: str | None = None
    ) -> Callable[[], None]:
        """Call `listener` on each hint of the topic, of everything where none is given; returns what ends it."""
        ends: list[Callable[[], None]] = []
        if conversation_id is not None:
            ends.append(_join(self._conversations, conversation_id, listener))
        if visitor_id is not None:
            ends.append(_join(self._visitors, visitor_id, listener))
        if not ends:
            ends.append(_join_topic(self._everything, listener))

        def end() -> None:
            for leave in ends:
                leave()

        return end

    def topics(self) -> tuple[frozenset[str], frozenset[str], bool]:
        """What is listened to: conversation ids, visitor ids, and whether anyone listens to everything."""
        return frozenset(self._conversations), frozenset(self._visitors), bool(self._everything)


def _join_topic(topic: _Topic, listener: Listener) -> Callable[[], None]:
    place = object()  # the same function may listen twice
    topic[place] = listener

    def leave() -> None:
        topic.pop(place, None)

    return leave


def _join(topics: dict[str, _Topic], name: str, listener: Listener) -> Callable[[], None]:
    topic = topics.setdefault(name, {})
    leave_topic = _join_topic(topic, listener)

    def leave() -> None:
        leave_topic()
        if not topic and topics.get(name) is topic:
            del topics[name]

    return leave


def _tell(topic: _Topic | None, hint: Hint) -> None:
    if not topic:
        return
    for listener in tuple(topic.values()):  # a listener may leave while it is told
        try:
            listener(hint)
        except Exception:
            log.exception("bus.listener_failed", conversation_id=hint.conversation_id)
