"""docs/protocol.md is the contract: it names everything that goes over the wire, and nothing that does not."""

import dataclasses
import inspect
import json
import re
from argparse import ArgumentParser, _SubParsersAction
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace

import pytest

import bot.visitor.protocol
import handrail
from bot.visitor.commands import RateLimited
from bot.visitor.protocol import ClientFrame, FrameError, Identity, PageSeen
from conversation.errors import (
    AlreadySent,
    ClientIdReused,
    IllegalTransition,
    NewerConversation,
    Refused,
    StorageUnavailable,
)
from conversation.events import Author as EventAuthor
from conversation.events import (
    AuthorKind,
    Choice,
    ChoiceKind,
    Citation,
    Event,
    HolderKind,
    Known,
    Outcome,
    Priority,
    Reason,
    State,
)
from conversation.projections import VISIBLE
from eval.cases import read_dialogues, read_questions
from eval.report.render import GROUPS
from eval.results import Results
from eval.rows import Row
from handoff.api import endpoints, problems
from handoff.console import frames as desk_frames
from handoff.serialisers import item_form
from retrieval.articles.article import Article

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs/protocol.md").read_text("utf-8")
SECTIONS = dict(zip(*[iter(re.split(r"^##+ (.+)$", TEXT, flags=re.MULTILINE)[1:])] * 2, strict=True))
INSIDE = {"ended", "lease_lost", "bad_frame"}  # refusals that another layer turns into something else


def code(text):
    return re.findall(r"`([^`]+)`", text)


def rows(section, *, heading=""):
    """The rows of a section's tables by the code in their first cell; of the one whose heading has the words, if given."""
    found = {}
    for table in re.findall(r"(?:^\|.*\n)+", SECTIONS[section], re.MULTILINE):
        head, _, *lines = table.splitlines()
        for first, *cells in (re.findall(r"\| ([^|]*)", line) for line in lines if heading in head):
            found |= dict.fromkeys(code(first)[:1] if heading else code(first), cells)
    return found


def outside_parentheses(text):
    return code(re.sub(r"\([^)]*\)|: .*", "", text))


def leaves(union):
    return [leaf for member in union.__args__ for leaf in (leaves(member) if hasattr(member, "__args__") else [member])]


def models(union):
    return {frame.model_fields["type"].annotation.__args__[0]: frame for frame in leaves(union)}


def sent(*folders):
    """The types of the frames that code of these folders makes."""
    sources = "".join(path.read_text("utf-8") for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return set(re.findall(r'"type": "(\w+)"', sources))


def refusals(kind=Refused):
    return [leaf for subclass in kind.__subclasses__() for leaf in (subclass, *refusals(subclass))]


def own_fields(error):
    """What its constructor takes; an exception without one has no signature."""
    return [*inspect.signature(error).parameters] if "__init__" in vars(error) else []


def subcommands(parser: ArgumentParser, path="handrail"):
    nested = [action for action in parser._actions if isinstance(action, _SubParsersAction)]
    children = [(name, child) for action in nested for name, child in action.choices.items()]
    return [leaf for name, child in children for leaf in subcommands(child, f"{path} {name}")] or [path]


# Visitor socket


def test_every_client_frame_has_its_fields():
    documented = {kind: outside_parentheses(cells[0]) for kind, cells in rows("Frames of the client").items()}
    expected = {
        kind: [name for name in frame.model_fields if name != "type"] for kind, frame in models(ClientFrame).items()
    }
    assert {kind: sorted(names) for kind, names in documented.items() if kind != "ping"} == {
        kind: sorted(names) for kind, names in expected.items() if kind != "ping"
    }
    assert expected["ping"] == []
    assert "ping" in documented


def test_what_a_client_may_leave_out_is_marked():
    for kind, (cells, *_) in rows("Frames of the client").items():
        optional = {name for name, field in models(ClientFrame)[kind].model_fields.items() if not field.is_required()}
        assert set(re.findall(r"`(\w+)`\?", re.sub(r"\([^)]*\)", "", cells))) == optional, kind


@pytest.mark.parametrize(("field", "model"), [("page", PageSeen), ("identity", Identity)])
def test_every_field_within_a_field_of_hello_is_named(field, model):
    inside = re.search(rf"`{field}`\? \(([^)]*)\)", rows("Frames of the client")["hello"][0])[1]
    assert code(inside) == list(model.model_fields)


def test_every_server_frame_is_named():
    assert set(rows("Frames of the server")) == sent("bot")


def test_every_close_code_is_named():
    ours = {
        value
        for name, value in vars(bot.visitor.protocol).items()
        if name.isupper() and not name.startswith("MAX_") and isinstance(value, int) and 1000 <= value < 5000
    }
    of_the_websocket_layer = {1001, 1009}
    assert {int(number) for number in rows("Close codes")} == ours | of_the_websocket_layer


def test_every_error_code_is_named():
    refused = (AlreadySent, ClientIdReused, IllegalTransition, NewerConversation, RateLimited, StorageUnavailable)
    errors = (FrameError, *FrameError.__subclasses__(), *refused)
    assert set(rows("Error codes")) == {error.code for error in errors}


# Events


def test_every_kind_of_event_has_what_visitors_see_and_what_only_the_desk_sees():
    documented = {
        kind: ("hidden" if seen.strip() == "hidden" else code(seen), set(code(desk)))
        for kind, (seen, desk, *_) in rows("Events", heading="visitors see").items()
    }
    fields = {kind.kind: {field.name for field in dataclasses.fields(kind)} for kind in Known.__args__}
    fields["bot_said"].add("suggestions")  # derived from the choices
    assert documented == {
        kind: (list(VISIBLE[kind]) if kind in VISIBLE else "hidden", names - set(VISIBLE.get(kind, ())))
        for kind, names in fields.items()
    }


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("state", State),
        ("holder.kind", HolderKind),
        ("by.kind", AuthorKind),
        ("outcome", Outcome),
        ("reason", Reason),
        ("priority", Priority),
        ("choices[].kind", ChoiceKind),
    ],
)
def test_every_value_of_a_field_is_named(field, values):
    assert tuple(outside_parentheses(rows("Events", heading="values")[field][0])) == values.__args__


def test_every_field_of_a_citation_is_named():
    line = re.search(r"An entry of `citations` has ([^.]*)\.", SECTIONS["Events"])[1]
    assert code(line) == [field.name for field in dataclasses.fields(Citation)]


def test_every_field_of_a_choice_is_named():
    line = re.search(r"An entry of `choices` has ([^.]*),", SECTIONS["Events"])[1]
    assert code(line) == [field.name for field in dataclasses.fields(Choice)]


def test_every_field_of_an_envelope_is_named():
    stated = set(code(rows("Frames of the server")["event"][0]))
    assert stated >= {field.name for field in dataclasses.fields(Event)} - {"conversation_id", "payload", "standing"}
    assert stated >= {field.name for field in dataclasses.fields(EventAuthor)} - {"id"}


# Agents


def routes():
    desk = SimpleNamespace(attendance=None, publisher=SimpleNamespace(store=None))
    return endpoints.router(desk, None, None, None).routes


def test_every_route_is_named():
    served = {f"{method} {route.path}" for route in routes() for method in route.methods - {"HEAD"}}
    assert set(rows("Agents: HTTP")) == served


def test_every_route_has_what_it_takes_and_what_may_be_left_out():
    for route in routes():
        (cells, *_) = rows("Agents: HTTP")[f"{next(iter(route.methods - {'HEAD'}))} {route.path}"]
        body = route.body_field.field_info.annotation if route.body_field else None
        kinds = [kind for kind in getattr(body, "__args__", (body,)) if hasattr(kind, "model_fields")]
        takes = {name: field.is_required() for kind in kinds for name, field in kind.model_fields.items()}
        takes |= {param.alias: param.field_info.is_required() for param in route.dependant.query_params}
        shown = re.sub(r"\([^)]*\)", "", cells)
        assert set(code(shown)) == set(takes), route.path
        assert set(re.findall(r"`(\w+)`\?", shown)) == {name for name, required in takes.items() if not required}


def test_every_field_of_an_item_is_named():
    line = re.search(r"An item has ([^.]*)\.", SECTIONS["Agents: HTTP"])[1]
    made = re.findall(r'^        "(\w+)":', inspect.getsource(item_form), re.MULTILINE)
    assert len(made) > 10
    assert code(line) == made


def test_every_problem_has_its_status_and_its_own_fields():
    documented = {name: (int(status), code(own)) for name, (status, own, *_) in rows("Problems").items()}
    expected = {
        error.code: (int(problems.STATUS.get(error.code, HTTPStatus.CONFLICT)), own_fields(error))
        for error in refusals()
        if error.code not in INSIDE and error.__module__.split(".")[0] in {"bot", "conversation", "handoff"}
    }
    expected |= {"internal_error": (500, []), "storage_unavailable": (503, ["retry_after_s"])}
    assert documented == expected


def test_every_frame_of_the_desk_socket_is_named():
    documented = rows("Agents: desk socket", heading="from the client")
    expected = models(
        desk_frames.AgentHello
        | desk_frames.AgentWatch
        | desk_frames.AgentUnwatch
        | desk_frames.AgentTyping
        | desk_frames.AgentPing
    )
    assert {kind: set(outside_parentheses(cells[0])) for kind, cells in documented.items()} == {
        kind: set(frame.model_fields) - {"type"} for kind, frame in expected.items()
    }
    assert set(rows("Agents: desk socket", heading="from the server")) == sent("handoff")


# Commands, articles, evaluation


def test_every_command_is_named():
    assert {name for name in code(SECTIONS["Command line"]) if name.startswith("handrail ")} == set(
        subcommands(handrail.parser())
    )


def test_every_field_of_front_matter_is_named():
    inside = {"article_id", "body", "body_line", "path", "extra"}
    assert set(rows("Articles")) == {field.name for field in dataclasses.fields(Article)} - inside | {"id"}


def test_every_field_of_results_is_named():
    text = SECTIONS["Evaluation files"]
    row, results = (
        re.search(rf"^- `{name}`: (.*)$", text, re.MULTILINE)[1] for name in ("cases[.]jsonl", "results[.]json")
    )
    assert {field.name for field in dataclasses.fields(Row)} - {"row_id"} | {"id"} <= set(code(row))
    assert {field.name for field in dataclasses.fields(Results)} <= set(code(results))


def test_every_metric_is_named():
    assert set(rows("Evaluation files")) == {meaning.name for group in GROUPS for meaning in group.metrics}


def test_the_examples_of_cases_can_be_read(tmp_path):
    questions, dialogues = re.findall(r"^    (\{.*\})$", SECTIONS["Evaluation files"], re.MULTILINE)
    (tmp_path / "q.jsonl").write_text(questions, "utf-8")
    (tmp_path / "d.jsonl").write_text(dialogues, "utf-8")
    assert read_questions(tmp_path / "q.jsonl")[0].case_id == json.loads(questions)["id"]
    assert len(read_dialogues(tmp_path / "d.jsonl")) == 1
