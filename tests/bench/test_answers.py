"""bench/loop.py asks as often as it says, and bench/answers.py sees what was answered otherwise."""

import itertools
from collections import Counter
from contextlib import asynccontextmanager

import orjson
import pytest

from bench.answers import AnsweredOtherwise, _first, replies
from bench.encoder_baseline import EncoderBaseline
from bench.loop import HEAD, Round, ask_for, row


class Server:
    """Counts what each line is asked; the line numbered `breaks` is refused."""

    def __init__(self, breaks=None):
        self.asked, self.breaks = [], breaks

    @asynccontextmanager
    async def line(self):
        number = len(self.asked)
        if number == self.breaks:
            raise ConnectionRefusedError
        self.asked.append(0)

        async def ask(_):
            self.asked[number] += 1

        yield ask


def test_every_line_asks_once_at_least_and_all_answers_count():
    server = Server()
    done = ask_for(server.line, itertools.repeat("?"), sockets=3, seconds=0)
    assert server.asked == [1, 1, 1]
    assert len(done.took_ms) == 3
    assert done.answers_per_s > 0


def test_a_line_is_given_up_after_as_many_questions_as_are_wanted():
    server = Server()
    done = ask_for(server.line, itertools.repeat("?"), sockets=2, seconds=0.05, says=3)
    assert len(server.asked) > 2
    assert Counter(server.asked)[3] >= len(server.asked) - 2
    assert sum(server.asked) == len(done.took_ms)
    assert 0 < done.client_cpu < 1.5


def test_a_line_that_is_refused_ends_it():
    with pytest.raises(ExceptionGroup) as refused:
        ask_for(Server(breaks=2).line, itertools.repeat("?"), sockets=3, seconds=0)
    assert isinstance(_first(refused.value), ConnectionRefusedError)


def test_ratios_are_to_the_encoder_alone():
    cells = row(20, Round([1.0, 2.0, 3.0], 300.0, 0.5), 200.0, EncoderBaseline(600.0, 1200.0)).split()
    assert cells == ["20", "300", "2.0", "3.0", "200", "50%", "600", "0.50", "1200", "0.25"]
    assert len(HEAD) == len(row(20, Round([1.0], 300.0, 0.5), 200.0, EncoderBaseline(600.0, 1200.0)))


def said(conversation_id, seq):
    return {"conversation_id": conversation_id, "seq": seq, "kind": "visitor_said"}


def answered(conversation_id, seq, *answers):
    return {"conversation_id": conversation_id, "seq": seq, "kind": "bot_said", "answers": answers}


def test_questions_without_a_reply_or_with_two_are_counted(tmp_path):
    events = [said("a", 2), answered("a", 3, 2), said("b", 2), said("c", 2), answered("c", 3, 2), answered("c", 4, 2)]
    exported = tmp_path / "all.jsonl"
    exported.write_bytes(b"\n".join(map(orjson.dumps, events)))
    assert replies(exported) == {1: 1, 0: 1, 2: 1}
    assert str(AnsweredOtherwise(4, replies(exported))) == (
        "4 questions were asked; of those stored 1 have 0 replies, 1 have 1 replies, 1 have 2 replies"
    )
