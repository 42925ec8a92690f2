import io
import json

import pytest
import structlog

from bot.log import configure_logging

WORDS = "Private Words"


@pytest.fixture(autouse=True)
def restored():
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def fail(question: str) -> None:
    raise ValueError(len(question))


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_exception_is_logged_without_what_people_wrote(form, capsys):
    configure_logging(form)
    try:
        fail(WORDS.lower())
    except ValueError:
        structlog.get_logger().exception("turn.failed", conversation_id="c1")
    logged = capsys.readouterr().err
    assert "private words" not in logged
    for kept in ("turn.failed", "c1", "ValueError: 13", "in fail"):
        assert kept in logged


def test_json_is_one_object_a_line(capsys):
    configure_logging("json")
    structlog.get_logger().info("serving", url="http://127.0.0.1:8000")
    (line,) = capsys.readouterr().err.splitlines()
    logged = json.loads(line)
    assert (logged["event"], logged["level"], logged["url"]) == ("serving", "info", "http://127.0.0.1:8000")
    assert logged["timestamp"].endswith("Z")


def test_debug_is_not_logged(capsys):
    configure_logging("text")
    structlog.get_logger().debug("noise")
    assert capsys.readouterr().err == ""


class Unbuffered(io.StringIO):
    """A stderr that keeps what each write brought, as the system sees it under PYTHONUNBUFFERED."""

    def __init__(self):
        super().__init__()
        self.writes = []

    def write(self, text):
        self.writes.append(text)
        return super().write(text)


def test_an_event_is_one_write_so_that_lines_of_several_workers_stay_whole(monkeypatch):
    stderr = Unbuffered()
    monkeypatch.setattr("sys.stderr", stderr)
    configure_logging("json")
    for number in range(2):
        structlog.get_logger().info("worker.serving", number=number)
    assert [json.loads(text)["number"] for text in stderr.writes] == [0, 1]
