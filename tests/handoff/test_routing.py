from datetime import UTC, datetime, timedelta

from conversation.state import Conversation
from conversation.values import Agent
from handoff.routing import Patience, Seat, takers

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
PATIENCE = Patience(same_s=120, fit_s=300)


def agent(name, *, capacity=5, **able):
    return Agent(name, f"{name}@example.com", name.title(), capacity=capacity, **able)


def waiting(*, waited_s=0, queued_s=0, conversation_id="c1", **more):
    return Conversation(
        conversation_id,
        "v1",
        "default",
        AT,
        AT,
        state="queued",
        asked_at=AT - timedelta(seconds=waited_s),
        held_since=AT - timedelta(seconds=queued_s),
        **more,
    )


def names(chat, *seats, away=()):
    everybody = (*(seat.agent for seat in seats), *away)
    return [taker.agent_id for taker in takers(chat, seats, everybody, AT, PATIENCE)]


def test_the_least_busy_comes_first_by_the_share_of_their_places():
    seats = Seat(agent("ana", capacity=10), 2), Seat(agent("ben", capacity=4), 1), Seat(agent("cy", capacity=2), 1)
    assert names(waiting(), *seats) == ["ana", "ben", "cy"]


def test_who_is_full_or_takes_none_gets_none():
    assert names(waiting(), Seat(agent("ana", capacity=2), 2), Seat(agent("ben", capacity=0), 0)) == []


def test_equally_busy_agents_are_not_always_asked_in_the_same_order():
    seats = Seat(agent("ana"), 0), Seat(agent("ben"), 0)
    first = {names(waiting(conversation_id=f"c{n}"), *seats)[0] for n in range(20)}
    assert first == {"ana", "ben"}


def test_a_tag_that_is_somebodys_skill_goes_to_those_who_have_it_or_take_everything():
    seats = Seat(agent("ana", skills=("billing",)), 4), Seat(agent("ben", skills=("returns",)), 0), Seat(agent("cy"), 3)
    assert names(waiting(tags=("billing", "vip")), *seats) == ["cy", "ana"]
    assert names(waiting(tags=("vip",)), *seats) == ["ben", "cy", "ana"]


def test_a_tag_that_is_the_skill_of_one_who_is_away_is_needed_too():
    seats = [Seat(agent("ben", skills=("returns",)), 0)]
    assert names(waiting(tags=("billing",)), *seats, away=[agent("ana", skills=("billing",))]) == []


def test_a_chat_goes_to_who_speaks_its_language():
    seats = Seat(agent("ana", languages=("de", "en")), 1), Seat(agent("ben", languages=("fr",)), 0)
    assert names(waiting(locale="de-AT"), *seats) == ["ana"]
    assert names(waiting(locale="fr_FR"), *seats) == ["ben"]
    assert names(waiting(locale=None), *seats) == ["ben", "ana"]


def test_who_has_waited_long_goes_to_anybody_rather_than_to_nobody():
    seats = [Seat(agent("ben", skills=("returns",), languages=("fr",)), 0)]
    needy = {"tags": ("returns",), "locale": "de"}
    assert names(waiting(waited_s=299, **needy), *seats) == []
    assert names(waiting(waited_s=300, **needy), *seats) == ["ben"]


def test_who_let_a_chat_go_does_not_get_it_next_and_later_only_where_nobody_else_can():
    seats = Seat(agent("ana"), 0), Seat(agent("ben"), 3)
    assert names(waiting(let_go=("ana",), queued_s=119), *seats) == ["ben"]
    assert names(waiting(let_go=("ana",), queued_s=120), *seats) == ["ben", "ana"]
