import asyncio
from concurrent.futures import ThreadPoolExecutor

import structlog

from retrieval.articles.article import parse
from retrieval.index.snapshot_store import SnapshotStore
from retrieval.index.watch import Knowledge
from retrieval.model.encoder import HashingEncoder

ENCODER = HashingEncoder(32)


class Counting(HashingEncoder):
    def __init__(self):
        super().__init__(32)
        self.encoded = []

    def encode(self, texts):
        self.encoded += texts
        return super().encode(texts)


def articles(**texts):
    return [parse(f"# {name}\n\n{text}", path=f"{name}.md") for name, text in texts.items()]


FIRST = articles(a="One.", b="Two.")
SECOND = articles(a="One.", b="Four.")


def two_segments(stored):
    first = stored.current(FIRST, ENCODER, None)
    second = stored.current(SECOND, ENCODER, first)
    stored.activate(second)
    return second


def test_the_active_snapshot_is_remembered_by_folder_of_articles(tmp_path):
    stored = SnapshotStore(tmp_path / "index", tmp_path / "kb")
    snapshot = two_segments(stored)
    assert stored.active_version() == snapshot.kb_version
    assert stored.load_version(stored.active_version(), ENCODER).digests == snapshot.digests
    assert SnapshotStore(tmp_path / "index", tmp_path / "other").active_version() is None


def test_only_the_segment_that_is_damaged_is_built_again(tmp_path):
    stored = SnapshotStore(tmp_path, tmp_path / "kb")
    version = two_segments(stored).kb_version
    small = min((tmp_path / "segments").iterdir(), key=lambda folder: (folder / "articles.json").stat().st_size)
    (small / "tokens.npy").write_bytes(b"broken")
    encoder = Counting()
    with structlog.testing.capture_logs() as logs:
        remaining = stored.load_version(version, encoder)
    assert [(entry["event"], entry["path"]) for entry in logs] == [("kb.index_corrupt", str(small))]
    assert (set(remaining.articles), remaining.kb_version == version) == ({"a"}, False)
    assert not small.exists()
    assert stored.current(SECOND, encoder, remaining).kb_version == version
    assert encoder.encoded == ["b\nFour.", "b"]


def test_another_encoder_or_an_unknown_version_finds_nothing(tmp_path):
    stored = SnapshotStore(tmp_path, tmp_path / "kb")
    version = two_segments(stored).kb_version
    assert stored.load_version(version, HashingEncoder(64)) is None
    assert stored.load_version("unknown", ENCODER) is None
    assert stored.load_version(None, ENCODER) is None


def test_segments_of_another_layout_are_no_damage_and_are_left_alone(tmp_path):
    stored = SnapshotStore(tmp_path, tmp_path / "kb")
    version = two_segments(stored).kb_version
    folders = set((tmp_path / "segments").iterdir())
    for folder in folders:
        (folder / "body.terms.json").unlink()
    with structlog.testing.capture_logs() as logs:
        assert stored.load_version(version, HashingEncoder(64)) is None
    assert (logs, set((tmp_path / "segments").iterdir())) == ([], folders)


def test_an_earlier_state_that_is_still_stored_is_not_built_again(tmp_path):
    stored = SnapshotStore(tmp_path, tmp_path / "kb")
    stored.activate(stored.current(FIRST, ENCODER, None))
    second = two_segments(stored)
    encoder = Counting()
    assert set(stored.current(FIRST, encoder, second).articles) == {"a", "b"}
    assert encoder.encoded == []


def test_what_is_stored_is_used_from_its_files(tmp_path):
    snapshot = two_segments(SnapshotStore(tmp_path, tmp_path / "kb"))
    assert [part.segment.vectors.vectors.flags.owndata for part in snapshot.parts] == [False, False]


def test_processes_that_see_the_same_edit_encode_it_once(tmp_path):
    kb = tmp_path / "kb"
    kb.mkdir()
    (kb / "a.md").write_text("# a\n\nOne.\n")
    encoders = [Counting() for _ in range(4)]
    processes = [Knowledge.open(kb, index_dir=tmp_path / "index", encoder=encoder) for encoder in encoders]
    (kb / "b.md").write_text("# b\n\n" + "\n\n".join(f"## {n}\n\nNumber {n}." for n in range(20)))
    for encoder in encoders:
        encoder.encoded.clear()
    with (
        structlog.testing.capture_logs() as logs,
        ThreadPoolExecutor(4) as threads,
    ):  # a lock is of a file, not a process
        list(threads.map(lambda knowledge: asyncio.run(knowledge.refresh()), processes))
    assert len({knowledge.snapshot.kb_version for knowledge in processes}) == 1
    assert sum(bool(encoder.encoded) for encoder in encoders) == 1
    assert {line["event"] for line in logs} == {"kb.refreshed"}


def test_an_index_that_cannot_be_locked_is_used_all_the_same(tmp_path):
    (tmp_path / "index").write_text("a file")
    with SnapshotStore(tmp_path / "index", tmp_path / "kb").locked():
        pass


def test_two_processes_with_other_histories_share_one_folder(tmp_path):
    one, other = (SnapshotStore(tmp_path, tmp_path / "kb") for _ in range(2))
    edited = two_segments(one)
    fresh = other.current(SECOND, ENCODER, None)
    other.activate(fresh)
    one.activate(edited)
    assert fresh.kb_version == edited.kb_version
    assert one.load_version(edited.kb_version, ENCODER).digests == fresh.digests


def test_segments_that_are_many_are_merged_and_stored(tmp_path):
    stored = SnapshotStore(tmp_path, tmp_path / "kb")
    snapshot, present = None, {}
    for number in range(9):
        present[f"n{number}"] = f"Text {number}."
        snapshot = stored.current(articles(**present), ENCODER, snapshot)
    stored.activate(snapshot)
    merged = stored.compacted(snapshot)
    assert len(merged.parts) == 1
    assert merged.kb_version == snapshot.kb_version
    assert len(stored.load_version(snapshot.kb_version, ENCODER).parts) == 1
    assert stored.compacted(merged) is None
