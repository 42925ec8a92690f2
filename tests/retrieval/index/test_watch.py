import asyncio
import logging
import shutil
from contextlib import asynccontextmanager

import pytest
import structlog

from retrieval.articles.audience import Audience
from retrieval.errors import KbEmpty, KbMissing, KbUnusable
from retrieval.index.builder import configuration_of
from retrieval.index.watch import Knowledge
from retrieval.model.encoder import HashingEncoder
from retrieval.search.signals import Query
from retrieval.search.stages import search

REFUNDS = "---\ntitle: Refunds\n---\nYou get it back.\n"
BROKEN = "---\ntitle: [x]\n---\nBroken.\n"


@pytest.fixture
def index_dir(tmp_path):
    return tmp_path / "var" / "index"


@pytest.fixture
def open_kb(kb, index_dir, encoder):
    def opened(**options):
        return Knowledge.open(kb.path, index_dir=index_dir, encoder=encoder, **options)

    return opened


@asynccontextmanager
async def watching(knowledge):
    """Runs the watcher; gives a function that waits until a condition holds."""
    task = asyncio.create_task(knowledge.watch(debounce_s=0.05))

    async def until(condition, timeout_s=10):
        async with asyncio.timeout(timeout_s):
            while not condition():
                assert not task.done()
                await asyncio.sleep(0.01)

    try:
        yield until
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def bodies(knowledge):
    return {name: article.body for name, article in knowledge.snapshot.articles.items()}


def test_a_second_start_encodes_nothing(kb, open_kb):
    kb.write("refunds.md", REFUNDS)
    totals = []
    first = open_kb(progress=lambda _, total: totals.append(total))
    second = open_kb(progress=lambda _, total: totals.append(total))
    assert set(totals) == {2}  # a child chunk and the title
    assert second.snapshot.kb_version == first.snapshot.kb_version


def test_a_changed_file_between_two_starts_is_encoded_alone(kb, open_kb):
    kb.write("refunds.md", REFUNDS)
    kb.write("hours.md", "# Hours\n\nWeekdays.")
    open_kb()
    kb.write("hours.md", "# Hours\n\nAlways.")
    totals = []
    assert bodies(open_kb(progress=lambda _, total: totals.append(total)))["hours"] == "# Hours\n\nAlways."
    assert set(totals) == {1}


def test_a_corrupt_index_is_rebuilt_and_logged(kb, open_kb, index_dir):
    kb.write("refunds.md", REFUNDS)
    version = open_kb().snapshot.kb_version
    (vectors,) = index_dir.glob("segments/*/vectors.npy")
    vectors.write_bytes(b"broken")
    with structlog.testing.capture_logs() as logs:
        assert open_kb().snapshot.kb_version == version
    assert {entry["event"] for entry in logs} == {"kb.index_corrupt"}
    with structlog.testing.capture_logs() as logs:
        open_kb()
    assert logs == []


def test_the_first_time_the_good_articles_are_served_and_the_errors_told(kb, open_kb):
    kb.write("refunds.md", REFUNDS)
    kb.write("bad.md", BROKEN)
    with structlog.testing.capture_logs() as logs:
        knowledge = open_kb()
    assert set(knowledge.snapshot.articles) == {"refunds"}
    assert [error.line for error in knowledge.errors] == [2]
    assert [entry["problem"] for entry in logs] == [str(error) for error in knowledge.errors]


def test_a_start_with_a_broken_article_serves_what_was_served_before(kb, open_kb):
    kb.write("refunds.md", REFUNDS)
    kb.write("hours.md", "# Hours\n\nWeekdays.")
    before = open_kb().snapshot.kb_version
    kb.write("refunds.md", BROKEN)
    knowledge = open_kb()
    assert knowledge.snapshot.kb_version == before
    assert set(knowledge.snapshot.articles) == {"refunds", "hours"}
    assert len(knowledge.errors) == 1


def test_another_folder_with_the_same_index_folder_is_no_earlier_state(kb, open_kb, index_dir, encoder, tmp_path):
    kb.write("refunds.md", REFUNDS)
    open_kb()
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.md").write_text("# A\n\nText.")
    (other / "b.md").write_text(BROKEN)
    assert set(Knowledge.open(other, index_dir=index_dir, encoder=encoder).snapshot.articles) == {"a"}


def test_another_encoder_takes_over_no_vectors(kb, open_kb, index_dir):
    kb.write("refunds.md", REFUNDS)
    open_kb()
    kb.write("bad.md", BROKEN)
    knowledge = Knowledge.open(kb.path, index_dir=index_dir, encoder=HashingEncoder(64))
    assert knowledge.snapshot.configuration == configuration_of(HashingEncoder(64))
    assert [part.segment.vectors.vectors.shape for part in knowledge.snapshot.parts] == [(2, 64)]


def test_without_any_usable_article_it_does_not_open(kb, open_kb):
    with pytest.raises(KbEmpty):
        open_kb()
    kb.write("bad.md", BROKEN)
    with pytest.raises(KbUnusable, match=r"repair at least one of:\n  .*bad.md:2: field 'title' holds a list"):
        open_kb()
    shutil.rmtree(kb.path)
    with pytest.raises(KbMissing):
        open_kb()


def test_an_index_that_cannot_be_stored_is_served_from_memory(kb, open_kb, index_dir):
    kb.write("refunds.md", REFUNDS)
    index_dir.parent.mkdir()
    index_dir.write_text("a file where a folder belongs")
    with structlog.testing.capture_logs() as logs:
        assert set(open_kb().snapshot.articles) == {"refunds"}
    assert {entry["event"] for entry in logs} == {"kb.index_not_stored"}


async def test_refresh_tells_whether_something_else_is_served(kb, open_kb):
    kb.write("refunds.md", REFUNDS)
    knowledge = open_kb()
    before = knowledge.snapshot
    assert await knowledge.refresh() is False
    assert knowledge.snapshot is before
    kb.write("hours.md", "# Hours\n\nWeekdays.")
    with structlog.testing.capture_logs() as logs:
        assert await knowledge.refresh() is True
    assert set(knowledge.snapshot.articles) == {"refunds", "hours"}
    assert set(before.articles) == {"refunds"}
    (entry,) = logs
    assert (entry["event"], entry["articles"], entry["encoded"]) == ("kb.refreshed", 2, 2)
    assert entry["kb_version"] == knowledge.snapshot.kb_version


async def test_one_broken_article_keeps_the_whole_old_snapshot_until_it_is_mended(kb, open_kb):
    kb.write("refunds.md", REFUNDS)
    knowledge = open_kb()
    before = knowledge.snapshot
    kb.write("bad.md", BROKEN)
    kb.write("refunds.md", REFUNDS + "More.\n")
    with structlog.testing.capture_logs() as logs:
        assert await knowledge.refresh() is False
        assert await knowledge.refresh() is False
    assert knowledge.snapshot is before
    assert [(entry["event"], entry["problem"]) for entry in logs] == [("kb.kept", str(knowledge.errors[0]))]
    assert str(knowledge.errors[0]).startswith(f"{kb.path}/bad.md:2: field 'title'")
    kb.write("bad.md", "# Mended\n\nText.\n")
    assert await knowledge.refresh() is True
    assert knowledge.errors == ()
    assert set(knowledge.snapshot.articles) == {"refunds", "bad"}


@pytest.mark.parametrize("emptied", [lambda kb: shutil.rmtree(kb.path), lambda kb: (kb.path / "refunds.md").unlink()])
async def test_a_folder_that_vanishes_or_empties_keeps_the_old_snapshot(kb, open_kb, emptied):
    kb.write("refunds.md", REFUNDS)
    knowledge = open_kb()
    emptied(kb)
    with structlog.testing.capture_logs() as logs:
        assert await knowledge.refresh() is False
    assert set(knowledge.snapshot.articles) == {"refunds"}
    assert [entry["event"] for entry in logs] == ["kb.kept"]


async def test_a_saved_article_is_found_without_a_restart(kb, open_kb, encoder):
    kb.write("refunds.md", REFUNDS)
    knowledge = open_kb()
    async with watching(knowledge) as until:
        kb.write("deep/er/hours.md", "# Hours\n\nWe open at noon.")
        await until(lambda: "hours" in knowledge.snapshot.articles)
        query = "when open noon"
        hits = search(knowledge.snapshot, Query(query, encoder.encode([query])[0]), Audience("default"))
        assert hits[0].article.article_id == "hours"
        (kb.path / "refunds.md").rename(kb.path / "money.md")
        await until(lambda: set(knowledge.snapshot.articles) == {"hours", "money"})
        (kb.path / "deep/er/hours.md").unlink()
        await until(lambda: set(knowledge.snapshot.articles) == {"money"})


async def test_what_was_saved_before_watching_began_is_found(kb, open_kb):
    kb.write("refunds.md", REFUNDS)
    knowledge = open_kb()
    kb.write("hours.md", "# Hours\n\nWeekdays.")
    async with watching(knowledge) as until:
        await until(lambda: "hours" in knowledge.snapshot.articles)


async def test_a_folder_that_was_moved_away_and_is_back_is_watched_again(kb, open_kb, tmp_path):
    kb.write("refunds.md", REFUNDS)
    knowledge = open_kb()
    async with watching(knowledge) as until:
        kb.path.rename(tmp_path / "away")
        with structlog.testing.capture_logs() as logs:
            await until(lambda: logs)
        assert logs[0]["event"] == "kb.kept"
        kb.write("new.md", "# New\n\nText.")
        await until(lambda: set(knowledge.snapshot.articles) == {"new"})


async def test_a_half_saved_article_is_mended_by_the_next_save(kb, open_kb):
    kb.write("refunds.md", REFUNDS)
    knowledge = open_kb()
    async with watching(knowledge) as until:
        kb.write("hours.md", "---\ntitle: Ho")
        await until(lambda: knowledge.errors)
        kb.write("hours.md", "---\ntitle: Hours\n---\nWeekdays.")
        await until(lambda: not knowledge.errors)
        assert set(knowledge.snapshot.articles) == {"refunds", "hours"}


async def test_no_article_text_is_logged(kb, open_kb, caplog):
    kb.write("refunds.md", REFUNDS)
    with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as logs:
        knowledge = open_kb()
        kb.write("hours.md", "# Hours\n\nvery private words")
        await knowledge.refresh()
    assert "private" not in f"{logs}{caplog.text}"
