"""`handrail export`, `erase`, `backup` and `restore`, as an operator calls them."""

import asyncio
import errno
import io
import json
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import timedelta

import pytest

import handrail
from bot.cli import erase, export
from conversation.clock import SystemClock
from conversation.events import (
    BOT,
    SYSTEM,
    Author,
    BotSaid,
    Choice,
    Citation,
    Closed,
    ContactLeft,
    Opened,
    VisitorSaid,
    rfc3339,
)
from conversation.projections import desk_form
from conversation.sql.sqlite import SqliteStore
from conversation.values import Append, Draft, Visitor

ADA = "ada@example.org"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder the commands run in; data are in `var`, for the owner alone."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@asynccontextmanager
async def opened(folder):
    store = await SqliteStore.open(folder / "var" / "handrail.db", worker="test")
    yield store
    await store.close()


def talk(folder, conversation_id, *payloads, visitor_id="v1", days_ago=0):
    moment = SystemClock().now() - timedelta(days=days_ago)
    visitor = Author("visitor", None, visitor_id)

    async def append():
        async with opened(folder) as store:
            drafts = [Draft(visitor if p.kind != "bot_said" else BOT, p) for p in payloads]
            drafts = [Draft(SYSTEM, d.payload) if d.payload.kind == "closed" else d for d in drafts]
            await store.append(Append(conversation_id, moment, lambda now: drafts))

    asyncio.run(append())


def stored(folder, work):
    async def ask():
        async with opened(folder) as store:
            return await work(store)

    return asyncio.run(ask())


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def chats(folder, blank_sqlite):
    """Three conversations of two visitors; Ada left her address in one."""
    (folder / "var").mkdir(mode=0o700)
    (folder / "var" / "handrail.db").write_bytes(blank_sqlite)
    talk(folder, "a", Opened(page={"url": "https://example.org/"}), VisitorSaid("where is my parcel?"), Closed())
    talk(
        folder,
        "b",
        Opened(),
        VisitorSaid("still not here"),
        BotSaid("I cannot say", "no_answer", (2,)),
        ContactLeft(ADA),
    )
    talk(folder, "c", Opened(), VisitorSaid("do you ship to Chad?"), Closed("visitor"), visitor_id="v2", days_ago=40)

    async def save(store):
        await store.save_visitor(Visitor("v1", "default", b"1" * 32, SystemClock().now(), name="Ada"))
        await store.save_visitor(Visitor("v2", "default", b"2" * 32, SystemClock().now()))

    stored(folder, save)
    return folder


# --- export


def test_every_event_is_a_line_in_the_form_the_desk_knows(chats, capsys):
    assert handrail.main(["export"]) == 0
    exported = lines(capsys.readouterr().out)
    events = stored(chats, lambda store: store.records())
    assert exported == [{"conversation_id": event.conversation_id, **desk_form(event)} for event in events]
    assert [(line["conversation_id"], line["seq"]) for line in exported][:4] == [("a", 1), ("a", 2), ("a", 3), ("b", 1)]


def test_a_suggestion_keeps_its_hedge_and_names_every_article_that_was_shown(folder, capsys):
    cited = tuple(Citation(name.lower(), name, None, f"/help/{name.lower()}", "...") for name in ("Refunds", "Fees"))
    choices = (Choice("article", "Fees", "fees"), Choice("helped", "That helped"))
    suggestion = BotSaid("I am not sure:\n\nFive days.", "suggest", (2,), cited, choices=choices)
    talk(folder, "a", Opened(), VisitorSaid("money?"), suggestion)
    assert handrail.main(["export"]) == 0
    exported = lines(capsys.readouterr().out)[-1]
    assert (exported["outcome"], exported["text"]) == ("suggest", "I am not sure:\n\nFive days.")
    articles = [(citation["title"], citation["url"]) for citation in exported["citations"]]
    assert articles == [("Refunds", "/help/refunds"), ("Fees", "/help/fees")]
    assert [choice["label"] for choice in exported["choices"]] == ["Fees", "That helped"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--conversation", "b"], "b"),
        (["--visitor", "v1"], "ab"),
        (["--email", ADA.upper()], "ab"),
        (["--visitor", "nobody"], ""),
        (["--since", (SystemClock().now() - timedelta(days=2)).isoformat()], "ab"),
        (["--since", "2000-01-01"], "abc"),
    ],
)
def test_what_is_exported_can_be_narrowed(chats, capsys, words, expected):
    assert handrail.main(["export", *words]) == 0
    events = [line for line in lines(capsys.readouterr().out) if line["kind"] != "visitor"]
    assert sorted({line["conversation_id"] for line in events}) == sorted(expected)


@pytest.mark.parametrize("words", [["--visitor", "v1"], ["--email", ADA]])
def test_what_is_stored_of_the_person_comes_first_and_never_the_digest_of_their_token(chats, capsys, words):
    ada = Visitor("v1", "shop", b"\x11" * 32, SystemClock().now(), "u1", "Ada", ADA)
    stored(chats, lambda store: store.save_visitor(ada))
    assert handrail.main(["export", *words]) == 0
    output = capsys.readouterr().out
    person, *events = lines(output)
    assert person.pop("token_expires_at") == rfc3339(ada.expires_at)
    expected = {"kind": "visitor", "visitor_id": "v1", "site": "shop", "user_id": "u1", "name": "Ada", "email": ADA}
    assert person == expected
    assert {field.name for field in fields(Visitor)} - {*expected} == {"site_id", "token_hash", "expires_at"}
    assert next((line["conversation_id"], line["seq"]) for line in events) == ("a", 1)
    assert not any(digest in output.lower() for digest in ("11" * 16, "token_hash", "\\u0011"))


@pytest.mark.parametrize("words", [[], ["--conversation", "a"], ["--since", "2000-01-01"]])
def test_conversations_alone_are_exported_without_their_visitors(chats, capsys, words):
    assert handrail.main(["export", *words]) == 0
    assert "visitor" not in {line["kind"] for line in lines(capsys.readouterr().out)}


def test_a_file_gets_its_name_when_it_is_complete_and_is_never_overwritten(chats, capsys):
    assert handrail.main(["export", "--out", "all.jsonl"]) == 0
    assert len(lines((chats / "all.jsonl").read_text("utf-8"))) == 10
    assert (chats / "all.jsonl").stat().st_mode & 0o077 == 0
    assert "exported 10 events" in capsys.readouterr().err
    before = (chats / "all.jsonl").read_bytes()
    assert handrail.main(["export", "--out", "all.jsonl"]) == 1
    assert "there is such a file" in capsys.readouterr().err
    assert (chats / "all.jsonl").read_bytes() == before


def cut_off(folder, name, content, **filters):
    """What is left of an export of so much that was interrupted."""
    (folder / f"{name}.part").write_bytes(content)
    (folder / f"{name}.part.json").write_text(json.dumps(filters))


@pytest.mark.parametrize(("words", "filters"), [([], {}), (["--visitor", "v1"], {"visitor": "v1"})])
def test_an_export_cut_off_at_any_byte_is_continued_without_gap_or_double(chats, words, filters, monkeypatch):
    monkeypatch.setattr(export, "PAGE_EVENTS", 2)
    monkeypatch.setattr(export, "TAIL_BYTES", 16)
    assert handrail.main(["export", *words, "--out", "whole.jsonl"]) == 0
    whole = (chats / "whole.jsonl").read_bytes()
    for cut in range(0, len(whole) + 1, 97):
        cut_off(chats, "again.jsonl", whole[:cut], **filters)
        assert handrail.main(["export", *words, "--out", "again.jsonl"]) == 0
        assert (chats / "again.jsonl").read_bytes() == whole
        (chats / "again.jsonl").unlink()


def test_what_is_written_while_an_export_is_interrupted_makes_no_gap(chats):
    assert handrail.main(["export", "--out", "whole.jsonl"]) == 0
    first = (chats / "whole.jsonl").read_bytes().splitlines(keepends=True)[:5]
    cut_off(chats, "later.jsonl", b"".join(first))
    talk(chats, "b", VisitorSaid("hello?"))
    assert handrail.main(["export", "--out", "later.jsonl"]) == 0
    seqs = {}
    for line in lines((chats / "later.jsonl").read_text("utf-8")):
        seqs.setdefault(line["conversation_id"], []).append(line["seq"])
    assert seqs == {"a": [1, 2, 3], "b": [1, 2, 3, 4, 5], "c": [1, 2, 3]}


def test_an_export_is_not_continued_as_one_of_something_else(chats, capsys, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(export, "PAGE_EVENTS", 2)
        patch.setattr("bot.cli.export.os.fsync", full)
        assert handrail.main(["export", "--email", ADA, "--out", "one.jsonl"]) == 1
    assert "No space left on device" in capsys.readouterr().err
    before = (chats / "one.jsonl.part").read_bytes()
    assert handrail.main(["export", "--visitor", "v2", "--out", "one.jsonl"]) == 1
    output = capsys.readouterr().err
    assert f"one.jsonl.part' cannot be written (it was begun with --email {ADA}, not with --visitor v2)" in output
    assert "or delete it to begin anew" in output
    assert handrail.main(["export", "--out", "one.jsonl"]) == 1
    assert "not with everything" in capsys.readouterr().err
    assert (chats / "one.jsonl.part").read_bytes() == before
    assert handrail.main(["export", "--email", ADA.upper(), "--out", "one.jsonl"]) == 0
    assert sorted(path.name for path in chats.glob("one*")) == ["one.jsonl"]


@pytest.mark.parametrize("note", [None, "", "[]", '{"visitor": 1}'])
def test_an_export_of_which_nobody_knows_what_it_is_of_is_not_continued(chats, capsys, note):
    cut_off(chats, "all.jsonl", b"{}\n")
    (chats / "all.jsonl.part.json").unlink()
    if note is not None:
        (chats / "all.jsonl.part.json").write_text(note)
    assert handrail.main(["export", "--out", "all.jsonl"]) == 1
    assert "'all.jsonl.part.json', which said what it was to hold, is missing or broken" in capsys.readouterr().err


def test_a_file_that_is_no_export_is_not_continued(chats, capsys):
    cut_off(chats, "all.jsonl", b"shopping list\n")
    assert handrail.main(["export", "--out", "all.jsonl"]) == 1
    assert "its last line is no event" in capsys.readouterr().err
    assert handrail.main(["export", "--out", "no/such/folder.jsonl"]) == 1
    assert "it goes on where it ended" in capsys.readouterr().err


# --- erase


def test_a_dry_run_names_what_would_go_and_changes_nothing(chats, capsys):
    before = stored(chats, lambda store: store.records())
    assert handrail.main(["erase", "--visitor", "v1", "--dry-run"]) == 0
    assert capsys.readouterr().out == "visitor v1 (Ada)\nconversation a\nconversation b\n"
    assert handrail.main(["erase", "--older-than", "30", "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("1 conversations were closed before ")
    assert stored(chats, lambda store: store.records()) == before


def test_an_address_leads_to_everything_of_the_person_and_its_absence_is_shown(chats, capsys):
    talk(chats, "d", Opened(), VisitorSaid("other"), visitor_id="v3")
    assert handrail.main(["erase", "--email", ADA, "--find", "parcel", "--yes"]) == 0
    output = capsys.readouterr().out
    assert "erased 2 conversations" in output
    assert "and 1 visitors" in output
    assert "tables: searched for 2 texts, found none" in output
    assert "handrail.db: searched byte by byte, found none" in output
    assert "backups, exports and labelled questions: cannot be searched" in output
    assert ADA.encode() not in (chats / "var" / "handrail.db").read_bytes()
    mentions = stored(chats, lambda store: store.mentions(["parcel", "still not", "Chad", "other"]))
    assert {mention.text for mention in mentions} == {"Chad", "other"}


def test_a_text_that_stands_elsewhere_is_named_and_fails(chats, capsys):
    talk(chats, "d", Opened(), VisitorSaid(f"ask {ADA}"), visitor_id="v3")
    assert handrail.main(["erase", "--email", ADA, "--yes"]) == 1
    output = capsys.readouterr().out
    assert f"tables: '{ADA}' still stands in 1 row of events.body" in output
    assert "handrail.db: found" in output


def test_one_conversation_alone_leaves_the_visitor(chats):
    assert handrail.main(["erase", "--conversation", "a", "--yes"]) == 0
    assert stored(chats, lambda store: store.mentions(["parcel"])) == ()
    assert stored(chats, lambda store: store.mentions(["still not here"]))
    assert stored(chats, lambda store: store.visitor_by_token(b"1" * 32)) is not None


def test_an_interrupted_erasure_is_finished_by_the_same_command(chats, capsys):
    assert stored(chats, lambda store: store.holdings(email=ADA)).conversation_ids == ("a", "b")
    stored(chats, lambda store: store.erase("a", SystemClock().now()))  # and then the power failed
    assert handrail.main(["erase", "--email", ADA, "--yes"]) == 0
    assert "conversation b\n" in capsys.readouterr().out
    assert handrail.main(["erase", "--visitor", "v1", "--yes"]) == 0
    assert capsys.readouterr().out.startswith("nothing to erase\n")


def test_what_is_old_is_erased_and_what_is_open_or_new_stays(chats, capsys):
    assert handrail.main(["erase", "--older-than", "30", "--yes"]) == 0
    assert "erased 1 conversations" in capsys.readouterr().out
    states = {name: stored(chats, lambda store, name=name: store.conversation(name)).erased for name in "abc"}
    assert states == {"a": False, "b": False, "c": True}
    assert stored(chats, lambda store: store.visitor_by_token(b"2" * 32)) is None


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("\n", 1), ("no\n", 1), ("", 1)])
def test_it_is_asked_first(chats, monkeypatch, capsys, answer, status):
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert handrail.main(["erase", "--conversation", "a"]) == status
    assert "Erase all of it? [y/N]" in capsys.readouterr().err
    assert stored(chats, lambda store: store.conversation("a")).erased == (status == 0)


def test_where_nobody_can_answer_nothing_is_erased(chats, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert handrail.main(["erase", "--conversation", "a"]) == 2
    assert "give --yes" in capsys.readouterr().err
    assert not stored(chats, lambda store: store.conversation("a")).erased


@pytest.mark.parametrize(
    "words",
    [
        ["erase"],
        ["erase", "--visitor", "v1", "--conversation", "a"],
        ["erase", "--older-than", "soon"],
        ["erase", "--older-than", "-1"],
        ["export", "--visitor", "v1", "--conversation", "a"],
        ["export", "--since", "yesterday"],
        ["backup"],
        ["restore"],
    ],
)
def test_wrong_usage_is_said(folder, words):
    with pytest.raises(SystemExit) as exited:
        handrail.main(words)
    assert exited.value.code == 2


def test_what_a_visitor_writes_meanwhile_goes_too(chats, monkeypatch):
    say, asked = erase._rest, []

    async def meanwhile(publisher, args, rows):
        if not asked:
            drafts = [
                Draft(Author("visitor", None, "v1"), payload) for payload in (Opened(), VisitorSaid("hello again"))
            ]
            await publisher.store.append(Append("new", publisher.clock.now(), lambda now: drafts))
        asked.append(rows)
        return await say(publisher, args, rows)

    monkeypatch.setattr(erase, "_rest", meanwhile)
    assert handrail.main(["erase", "--visitor", "v1", "--find", "hello again", "--yes"]) == 0
    assert len(asked) == 2


# --- backup and restore


def test_a_backup_is_restored_into_an_empty_folder_and_nowhere_else(chats, capsys):
    assert handrail.main(["backup", "--out", "backup.db"]) == 0
    assert "backed up to backup.db" in capsys.readouterr().err
    assert handrail.main(["restore", "backup.db"]) == 1
    assert "is already there" in capsys.readouterr().err
    assert handrail.main(["restore", "backup.db", "--data", "elsewhere"]) == 0
    assert handrail.main(["export", "--data", "elsewhere"]) == 0
    restored = capsys.readouterr().out
    assert handrail.main(["export"]) == 0
    assert restored == capsys.readouterr().out


def test_a_backup_of_nothing_and_a_restore_of_nonsense_are_refused(folder, capsys):
    assert handrail.main(["backup", "--out", "backup.db"]) == 1
    assert "name the server's data folder" in capsys.readouterr().err
    (folder / "notes.txt").write_text("milk")
    assert handrail.main(["restore", "notes.txt"]) == 1
    assert "it is no SQLite database" in capsys.readouterr().err
    assert not (folder / "var" / "handrail.db").exists()
