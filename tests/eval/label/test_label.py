"""`handrail eval label`, as whoever labels calls it, on a real store."""

import asyncio
import io
import json
import stat
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import handrail
from bot.answer.confidence import OWN, default_calibration
from conversation.events import (
    BOT,
    AgentSaid,
    Author,
    BotSaid,
    Choice,
    Citation,
    Claimed,
    Opened,
    Rated,
    ReturnedToBot,
    VisitorSaid,
)
from conversation.sql.sqlite import SqliteStore
from conversation.values import Agent, Append, Draft
from eval.cases import read_questions

AGENT = Author("agent", "Grace", "grace")
HELPED, NOT_HELPED = Choice("helped", "That helped"), Choice("not_helped", "Not what I meant")


def cite(article_id):
    return Citation(article_id, article_id.title(), None, f"/help/{article_id}", f"Of {article_id}.")


def reply(article_id, *answers, outcome="answer", **fields):
    passage = f"**{article_id.title()}** say this.\n\nAnd more."
    fields = {"citations": (cite(article_id),), "passage": passage, **fields}
    return BotSaid(f"Reply about {article_id}.", outcome, answers, **fields)


def suggestion(article_id, *answers):
    return reply(article_id, *answers, outcome="suggest", choices=(HELPED, NOT_HELPED))


def author(payload, conversation_id):
    if isinstance(payload, BotSaid):
        return BOT
    return (
        AGENT
        if isinstance(payload, AgentSaid | Claimed | ReturnedToBot)
        else Author("visitor", None, f"visitor of {conversation_id}")
    )


async def _opened(data):
    return await SqliteStore.open(data / "handrail.db", worker="test")


@pytest.fixture
def data(tmp_path, blank_sqlite):
    data = tmp_path / "var"
    data.mkdir(mode=0o700)
    (data / "handrail.db").write_bytes(blank_sqlite)
    return data


@pytest.fixture
def talk(data):
    """Stores a conversation of a day of November 2026, event by event; the first is added."""

    def call(conversation_id, *payloads, day=1):
        async def append():
            store = await _opened(data)
            if await store.agent("grace") is None:
                await store.add_agent(Agent("grace", "grace@example.org", "Grace"), None)
            for payload in (Opened(), *payloads):
                drafts = [Draft(author(payload, conversation_id), payload)]
                moment = datetime(2026, 11, day, tzinfo=UTC)
                await store.append(Append(conversation_id, moment, lambda _, drafts=drafts: drafts))
            await store.close()

        asyncio.run(append())

    return call


@pytest.fixture
def out(tmp_path):
    return tmp_path / "questions.jsonl"


@pytest.fixture
def label(data, small_kb, out, monkeypatch, capsys):
    """Runs the command with what a person types: exit status, stdout, stderr."""

    def call(typed="", *options):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        options = options or ("--out", out)
        try:
            status = handrail.main(
                ["eval", "label", "--kb", str(small_kb), "--data", str(data), *(str(word) for word in options)]
            )
        except SystemExit as usage:
            status = usage.code
        return status, *capsys.readouterr()

    return call


def rows(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def listed(label):
    def call():
        status, printed, err = label("", "--list")
        assert (status, err) == (0, "")
        return [json.loads(line) for line in printed.splitlines()]

    return call


def asked(article_id, *, helpful, question="Where is my money?"):
    return VisitorSaid(question), reply(article_id, 2), Rated(3, helpful)


def test_an_accepted_question_is_a_case_that_an_evaluation_reads(talk, label, out):
    talk("a", *asked("refunds", helpful=True))
    status, printed, err = label("y\n")
    assert (status, err) == (0, "")
    assert "question: Where is my money?\n" in printed
    assert "shown:    Refunds (refunds)\n            Refunds say this.\n" in printed
    assert "verdict:  it helped\n" in printed
    assert printed.endswith(f"1 labelled, 0 left to label; labelled questions in {out}: 1\n")
    assert rows(out) == [
        {
            "id": "a#2",
            "question": "Where is my money?",
            "history": [],
            "gold_articles": ["refunds"],
            "reference_answer": None,
            "labels": {"from": "rated", "verdict": "helped"},
        }
    ]
    assert [case.judged for case in read_questions(out)] == [True]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_what_is_labelled_or_skipped_is_never_asked_or_written_again(talk, label, out):
    talk("a", *asked("refunds", helpful=True), day=1)
    talk("b", *asked("shipping", helpful=True, question="Parcel?"), day=2)
    _, printed, _ = label("n\ny\n")
    assert printed.index("Parcel?") < printed.index("Where is my money?")
    assert label("y\ny\n")[1] == f"0 labelled, 0 left to label; labelled questions in {out}: 1\n"
    assert [row["id"] for row in rows(out)] == ["a#2"]


@pytest.mark.parametrize("typed", ["", "q\n", "\nquit\n", "what?\n"])
def test_quitting_or_the_end_of_the_input_writes_nothing_and_leaves_the_rest(talk, label, out, typed):
    talk("a", *asked("refunds", helpful=True))
    status, printed, _ = label(typed)
    assert (status, out.exists()) == (0, False)
    assert printed.endswith(f"0 labelled, 1 left to label; labelled questions in {out}: 0\n")


def test_an_unhelpful_reply_becomes_a_case_only_when_a_person_says_what_it_is(talk, label, out):
    talk("a", *asked("refunds", helpful=False), day=3)
    talk("b", *asked("refunds", helpful=False), day=2)
    talk("c", *asked("refunds", helpful=False), day=1)
    _, printed, _ = label("y\nshipping passwords\nn\n0\n")
    assert "y it answers" not in printed
    assert "there is nothing to accept" in printed
    assert [(row["id"], row["gold_articles"]) for row in rows(out)] == [("a#2", ["passwords", "shipping"]), ("c#2", [])]
    assert {row["labels"]["verdict"] for row in rows(out)} == {"not_helped"}


def test_an_id_that_is_no_article_is_asked_again_with_the_nearest(talk, label, out):
    talk("a", *asked("refunds", helpful=True))
    _, printed, _ = label("shiping\nxyz\nshipping\n")
    assert "there is no article 'shiping'; did you mean shipping?\n" in printed
    assert "there is no article 'xyz'; an id is" in printed
    assert [row["gold_articles"] for row in rows(out)] == [["shipping"]]


def test_an_article_that_is_gone_or_a_draft_cannot_be_accepted(talk, label, out, small_kb):
    (small_kb / "plans.md").write_text("---\ntitle: Plans\ndraft: true\n---\n\nText.\n")
    talk("a", *asked("bygone", helpful=True))
    talk("b", *asked("plans", helpful=True))
    _, printed, _ = label("y\nn\ny\nplans\n")
    assert "the article 'bygone' is no longer there" in printed
    assert "there is no article 'plans'" in printed
    assert not out.exists()


def test_a_replys_last_verdict_counts(talk, listed):
    talk("a", *asked("refunds", helpful=True), Rated(3, helpful=False))
    assert [case["verdict"] for case in listed()] == ["not_helped"]


def test_replies_after_a_verdict_a_complaint_or_a_button_belong_to_the_question_asked_first(talk, listed):
    """One question is one case, and what helped in the end is what answers it."""
    talk(
        "a",
        VisitorSaid("Where is it?"),
        suggestion("refunds", 2),
        VisitorSaid("Not what I meant"),
        Rated(3, helpful=False),
        suggestion("shipping", 4),
        VisitorSaid("That helped"),
        Rated(6, helpful=True),
    )
    talk(
        "b",
        VisitorSaid("Where is it?"),
        reply("refunds", 2, outcome="clarify", citations=(), choices=(Choice("article", "Shipping", "shipping"),)),
        VisitorSaid("Shipping"),
        reply("shipping", 4),
        Rated(5, helpful=True),
    )
    talk("c", VisitorSaid("Where is it?"), reply("refunds", 2), VisitorSaid("didn't work"), suggestion("shipping", 4))
    talk("d", VisitorSaid("Where is it?"), reply("refunds", 2), VisitorSaid("didn't work"), reply("shipping", 4))
    talk("e", VisitorSaid("Where is it?"), reply("refunds", 2), VisitorSaid("didn't work"), reply("shipping", 4), Rated(5, False), Rated(3, False))  # fmt: skip
    seen = [(case["id"], case["question"], case["article_id"], case["verdict"]) for case in listed()]
    assert sorted(seen) == [
        ("a#2", "Where is it?", "shipping", "helped"),
        ("b#2", "Where is it?", "shipping", "helped"),
        ("e#2", "Where is it?", "shipping", "not_helped"),
    ]


def test_the_turns_before_are_kept_with_what_the_bot_did(talk, label, out):
    refused = BotSaid("Nothing found.", "no_answer", (2,), offers_person=True, failed=True)
    question = VisitorSaid("and to Spain?")
    talk("a", VisitorSaid("hi"), refused, VisitorSaid("first"), question, reply("shipping", 4, 5), Rated(6, True))
    _, printed, _ = label("y\n")
    assert "earlier:  hi\n" in printed
    assert [(row["id"], row["question"]) for row in rows(out)] == [("a#4", "first\nand to Spain?")]
    assert rows(out)[0]["history"] == [
        {"role": "user", "text": "hi"},
        {"role": "assistant", "text": "Nothing found.", "outcome": "no_answer", "offers_person": True, "passage": "", "failed": True},
    ]  # fmt: skip
    (case,) = read_questions(out)
    assert (case.history[1].outcome, case.history[1].failed) == ("no_answer", True)


def test_what_was_said_before_an_agent_had_the_chat_is_no_history(talk, listed):
    talk(
        "a",
        *asked("refunds", helpful=True),
        Claimed(),
        AgentSaid("hello"),
        ReturnedToBot(),
        VisitorSaid("Parcel?"),
        reply("shipping", 8),
        Rated(9, True),
    )
    assert sorted((case["id"], len(case["history"])) for case in listed()) == [("a#2", 0), ("a#8", 0)]


def test_unrated_replies_and_those_that_show_no_article_are_no_candidates(talk, listed):
    talk("a", VisitorSaid("Where?"), reply("refunds", 2))
    talk("b", VisitorSaid("Where?"), BotSaid("Nothing.", "no_answer", (2,)), Rated(3, False))
    talk("c", VisitorSaid("Hi"), BotSaid("Hello!", "small_talk", (2,)), Rated(3, True))
    assert listed() == []


def test_the_list_has_every_candidate_as_json_and_writes_nothing(talk, listed, label, data, out, tmp_path):
    talk("a", *asked("refunds", helpful=True), day=21)
    label("y\n")
    before = sorted(tmp_path.rglob("*.jsonl*"))
    assert listed() == [
        {
            "id": "a#2",
            "at": "2026-11-21T00:00:00.000000Z",
            "question": "Where is my money?",
            "history": [],
            "article_id": "refunds",
            "title": "Refunds",
            "passage": "Refunds say this.",
            "verdict": "helped",
        }
    ]
    assert sorted(tmp_path.rglob("*.jsonl*")) == before == [out]


def test_erased_conversations_are_left_out_and_what_follows_is_not(talk, listed, data):
    talk("a", *asked("refunds", helpful=True))
    talk("b", *asked("refunds", helpful=True))

    async def erase():
        store = await _opened(data)
        await store.erase("a", datetime(2026, 11, 2, tzinfo=UTC))
        await store.close()

    asyncio.run(erase())
    assert [case["id"] for case in listed()] == ["b#2"]


def test_more_events_than_a_page_are_all_read(talk, listed, monkeypatch):
    monkeypatch.setattr("eval.label.candidates.PAGE_EVENTS", 3)
    for name in "abc":
        talk(name, *asked("refunds", helpful=True))
    assert sorted(case["id"] for case in listed()) == ["a#2", "b#2", "c#2"]


def test_what_steers_a_terminal_is_not_printed_and_is_kept_in_the_file(talk, label, out):
    question = "Where\n\x1b[2Jis \u202eit?"
    talk("a", *asked("refunds", helpful=True, question=question))
    _, printed, _ = label("y\n")
    assert "question: Where [2Jis it?\n" in printed
    assert rows(out)[0]["question"] == question


def _labelled(count, **labels):
    for number in range(count):
        yield json.dumps({"id": f"q{number}", "question": "Why?", "gold_articles": ["refunds"], "labels": labels})


def test_fifty_questions_that_were_not_learned_from_make_a_calibration_worth_it(label, out, data, small_kb):
    command = f"handrail eval calibrate --questions {out} --kb={small_kb} --data={data} would help: 50 labelled"
    out.write_text("\n".join(_labelled(49)))
    assert "would help" not in label()[1]
    out.write_text("\n".join(_labelled(50, scope="chitchat")))
    assert "would help" not in label()[1]
    out.write_text("\n".join(_labelled(50)))
    assert command in label()[1]

    learned = [{"set": out.name, "licence": "own", "questions": 50}]
    (data / OWN).write_bytes(replace(default_calibration(), learned_from=learned).written())
    assert "would help" not in label()[1]
    out.write_text("\n".join(_labelled(100)))
    assert command in label()[1]
    (data / OWN).write_text("broken")
    assert "would help: 100 labelled" in label()[1]


def test_a_file_whose_last_line_is_open_is_continued_on_a_new_one(talk, label, out):
    talk("a", *asked("refunds", helpful=True))
    out.write_text(next(_labelled(1)))
    label("y\n")
    assert [row["id"] for row in rows(out)] == ["q0", "a#2"]


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--out", "{bad}"], 1, "bad.jsonl:1: "),
        (["--out", "{folder}/nowhere/q.jsonl"], 1, "cannot be written (No such file or directory); choose another"),
        (["--out", "{folder}"], 1, "cannot be read (Is a directory)"),
        (["--out", "{folder}/q.jsonl", "--kb", "nowhere"], 1, "knowledge base folder 'nowhere' does not exist"),
        (["--model", "x"], 2, "one of the arguments --out --list is required"),
        (["--out", "{folder}/q.jsonl", "--list"], 2, "--list: not allowed with argument --out"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(talk, label, tmp_path, options, status, message):
    talk("a", *asked("refunds", helpful=True))
    (tmp_path / "bad.jsonl").write_text("no json\n")
    names = {"bad": tmp_path / "bad.jsonl", "folder": tmp_path}
    got, _, err = label("y\n", *(option.format(**names) for option in options))
    assert (got, message in err) == (status, True)
    assert err.splitlines()[-1].startswith("handrail")
