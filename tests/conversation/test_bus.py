"""Wake-ups within one process."""

import pytest
from structlog.testing import capture_logs

from conversation.bus import LocalBus
from conversation.values import Reached, Relayed

HINT = Reached("c1", "v1", 4)


@pytest.fixture
def bus():
    return LocalBus()


def test_hints_reach_who_listens_to_the_conversation_the_visitor_or_everything(bus):
    heard = {name: [] for name in ("c1", "c2", "v1", "v2", "all")}
    bus.listen(heard["c1"].append, conversation_id="c1")
    bus.listen(heard["c2"].append, conversation_id="c2")
    bus.listen(heard["v1"].append, visitor_id="v1")
    bus.listen(heard["v2"].append, visitor_id="v2")
    bus.listen(heard["all"].append)
    bus.publish(HINT)
    assert heard == {"c1": [HINT], "c2": [], "v1": [HINT], "v2": [], "all": [HINT]}


def test_a_relayed_frame_reaches_who_listens_to_its_conversation(bus):
    heard, all_heard = [], []
    bus.listen(heard.append, conversation_id="c1")
    bus.listen(all_heard.append)
    frame = Relayed("c1", "visitor", {"type": "typing", "on": True})
    bus.publish(frame)
    assert (heard, all_heard) == ([frame], [frame])


def test_who_left_hears_nothing_and_leaves_no_topic(bus):
    heard = []
    ends = [bus.listen(heard.append, conversation_id="c1", visitor_id="v1"), bus.listen(heard.append)]
    assert bus.topics() == (frozenset({"c1"}), frozenset({"v1"}), True)
    for end in ends:
        end()
        end()
    bus.publish(HINT)
    assert heard == []
    assert bus.topics() == (frozenset(), frozenset(), False)


def test_the_same_function_may_listen_twice_and_leave_once(bus):
    heard = []
    end = bus.listen(heard.append, conversation_id="c1")
    bus.listen(heard.append, conversation_id="c1")
    end()
    bus.publish(HINT)
    assert heard == [HINT]


def test_a_listener_that_breaks_disturbs_no_other_and_is_logged(bus):
    heard = []
    bus.listen(lambda hint: 1 // 0, conversation_id="c1")
    bus.listen(heard.append, conversation_id="c1")
    with capture_logs() as logs:
        bus.publish(HINT)
    assert heard == [HINT]
    assert [(entry["event"], entry["conversation_id"]) for entry in logs] == [("bus.listener_failed", "c1")]


def test_a_listener_may_leave_and_another_come_while_they_are_told(bus):
    heard, end = [], None

    def once(hint):
        heard.append("once")
        end()
        bus.listen(lambda hint: heard.append("later"), conversation_id="c1")

    end = bus.listen(once, conversation_id="c1")
    bus.publish(HINT)
    assert heard == ["once"]
    bus.publish(HINT)
    assert heard == ["once", "later"]
