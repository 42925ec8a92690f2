import json
import os
import time

import numpy as np
import pytest

from retrieval.articles.article import parse
from retrieval.digest import MANIFEST
from retrieval.errors import IndexCorrupt
from retrieval.index.builder import build
from retrieval.index.manifest import GRACE_S, KEPT, load, load_what_is_whole, manifest_of, newest, save
from retrieval.model.encoder import HashingEncoder

ENCODER = HashingEncoder(32)


def articles(**texts):
    return [parse(f"# {name}\n\n{text}", path=f"{name}.md") for name, text in texts.items()]


def edited():
    """A snapshot in two segments, one of them with a dead article."""
    first = build(articles(a="One.", b="Two.", c="Three."), ENCODER)
    return build(articles(a="One.", b="Four.", c="Three."), ENCODER, previous=first)


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def seen(snapshot):
    return snapshot.kb_version, dict(snapshot.articles), list(snapshot.chunks), snapshot.digests


def test_a_stored_snapshot_is_the_same_again(tmp_path):
    snapshot = edited()
    manifest = save(snapshot, tmp_path)
    again = load(manifest)
    assert manifest == manifest_of(tmp_path, snapshot.kb_version) == newest(tmp_path)
    assert seen(again) == seen(snapshot)
    everything = np.ones(3, dtype=np.bool_)
    vector = ENCODER.encode(["two four"])[0].sentence
    for one, other in zip(again.dense(vector, everything, 5), snapshot.dense(vector, everything, 5), strict=True):
        assert one.tolist() == other.tolist()
    assert again.field_scores("body", ["four"], everything).tolist() == pytest.approx(
        snapshot.field_scores("body", ["four"], everything).tolist()
    )


def test_arrays_of_a_stored_snapshot_are_mapped(tmp_path):
    segment = load(save(edited(), tmp_path)).parts[0].segment
    arrays = (segment.vectors.vectors, segment.tokens, segment.fields["body"].rows, segment.sketches)
    assert [array.flags.owndata for array in arrays] == [False] * 4
    assert not segment.vectors._codes.codes.is_owned


def test_what_an_edit_leaves_alone_is_not_written_again(tmp_path):
    first = build(articles(a="One.", b="Two."), ENCODER)
    save(first, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in files_of(tmp_path / "segments")}
    save(build(articles(a="One.", b="Four."), ENCODER, previous=first), tmp_path)
    assert before.items() <= {path: path.stat().st_mtime_ns for path in files_of(tmp_path / "segments")}.items()
    assert len(list((tmp_path / "segments").iterdir())) == 2


def test_a_segment_with_any_file_changed_is_refused_and_the_other_kept(tmp_path):
    manifest = save(edited(), tmp_path)
    damaged_file = files_of(tmp_path / "segments")
    assert len(damaged_file) == 2 * 34
    for path in damaged_file:
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(IndexCorrupt, match=r"is corrupt: .*; delete it, the next start rebuilds it"):
            load(manifest)
        damaged = []
        remaining = load_what_is_whole(manifest, (), lambda place, _, damaged=damaged: damaged.append(place))
        assert damaged == [path.parent]
        assert set(remaining.articles) in ({"a", "c"}, {"b"})
        assert remaining.kb_version != manifest.stem
        path.write_bytes(content)
    assert load(manifest).kb_version == manifest.stem


@pytest.mark.parametrize("text", ["", "{}", "x\n{}", "\xff"])
def test_a_broken_manifest_is_refused(tmp_path, text):
    manifest = save(edited(), tmp_path)
    manifest.write_text(text, encoding="latin-1")
    with pytest.raises(IndexCorrupt):
        load(manifest)


def test_a_segment_under_another_name_is_refused(tmp_path):
    manifest = save(edited(), tmp_path)
    one, other = (tmp_path / "segments").iterdir()
    for path in files_of(other):
        path.unlink()
    for path in files_of(one):
        (other / path.name).write_bytes(path.read_bytes())
    with pytest.raises(IndexCorrupt, match="it holds segment"):
        load(manifest)


def test_texts_that_are_known_are_not_held_twice(tmp_path):
    manifest = save(edited(), tmp_path)
    known = articles(a="One.", b="Four.", c="Three.")
    again = load_what_is_whole(manifest, known, lambda *_: None)
    assert all(again.articles[article.article_id] is article for article in known)


def test_no_pickle_and_nothing_half_written_is_left(tmp_path):
    save(edited(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"segments", "snapshots"}
    assert {path.suffix for path in files_of(tmp_path)} == {".json", ".npy", ".faiss"}
    assert not list(tmp_path.rglob(".*"))
    for path in tmp_path.rglob("*.npy"):
        np.load(path, allow_pickle=False)
    for path in (tmp_path / "segments").rglob("*.json"):
        json.loads(path.read_text())


def test_a_segment_that_vanished_is_written_again(tmp_path):
    snapshot = edited()
    save(snapshot, tmp_path)
    for path in files_of(tmp_path / "segments"):
        path.unlink()
    for folder in (tmp_path / "segments").iterdir():
        folder.rmdir()
    assert seen(load(save(snapshot, tmp_path))) == seen(snapshot)


def test_the_newest_snapshots_and_those_in_use_are_kept(tmp_path):
    long_ago = time.time() - GRACE_S - 1
    manifests = []
    for number in range(KEPT + 2):
        manifests.append(save(build(articles(a=f"Text {number}."), ENCODER), tmp_path))
        os.utime(manifests[-1], (number, number))
        if number == 0:
            (tmp_path / "active-place").write_text(manifests[0].stem)
        for folder in (tmp_path / "segments").iterdir():
            os.utime(folder, (long_ago, long_ago))
    last = save(build(articles(a="Last."), ENCODER), tmp_path)
    assert set((tmp_path / "snapshots").iterdir()) == {last, *manifests[-KEPT + 1 :], manifests[0]}
    assert len(list((tmp_path / "segments").iterdir())) == KEPT + 1
    assert newest(tmp_path) == last
    assert newest(tmp_path / "none") is None


def test_a_young_segment_without_manifest_is_left_to_whoever_writes_it(tmp_path):
    (tmp_path / "segments" / "other").mkdir(parents=True)
    save(edited(), tmp_path)
    assert (tmp_path / "segments" / "other").is_dir()


def test_the_layout_of_earlier_versions_is_cleared_away(tmp_path):
    old = tmp_path / "6f5fa88ec6f662fd"
    old.mkdir()
    (old / MANIFEST).write_text("{}")
    (tmp_path / "notes").mkdir()
    save(edited(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"segments", "snapshots", "notes"}
