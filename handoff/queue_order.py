"""In which order those who wait are served."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from conversation.clock import micros
from conversation.paging import RANKS
from conversation.state import Conversation


def queue_order(queue: Iterable[Conversation], at: datetime, raise_every_s: float) -> Sequence[Conversation]:
    """The queue as of `at`: by priority, then by waiting time. Whoever waits rises one priority every `raise_every_s`.

    Before all others come those who had an agent and lost them without a word. By rising, nobody starves behind newer,
    more urgent ones: those who have risen to the top are served longest waiting first. The console sorts the same way (`console/static/queue.js`).
    """

    def order(now: Conversation) -> tuple[bool, int, int, str]:
        since = now.waiting_since or now.updated_at
        risen = int((at - since).total_seconds() // raise_every_s)
        return not now.dropped, max(0, RANKS[now.priority] - max(0, risen)), micros(since), now.conversation_id

    return sorted(queue, key=order)
