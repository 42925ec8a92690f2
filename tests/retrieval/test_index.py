import json
import os

import pytest

from retrieval.article import parse
from retrieval.encode import HashingEncoder
from retrieval.errors import IndexCorrupt
from retrieval.index import KEPT, Audience, build, kb_version, load, newest, save

BODIES = {
    name: f"---\ntitle: {name}\nquestions: [what is {name}?]\nextra: {{k: [1]}}\n---\nAbout {name}.\n" for name in "abc"
}


class Counting(HashingEncoder):
    def __init__(self, dimensions=256):
        super().__init__(dimensions)
        self.encoded = []

    def encode(self, texts):
        self.encoded += texts
        return super().encode(texts)


def articles(**changed):
    return [parse(text, path=f"{name}.md") for name, text in (BODIES | changed).items() if text]


@pytest.fixture
def counting():
    return Counting()


def test_only_what_is_new_is_encoded(counting):
    first = build(articles(), counting)
    assert len(counting.encoded) == 6
    counting.encoded.clear()
    second = build(articles(b="---\ntitle: b\n---\nNew words.\n", c=None), counting, previous=first)
    assert counting.encoded == ["b\nNew words."]
    assert second.kb_version != first.kb_version
    assert second.texts == build(articles(b="---\ntitle: b\n---\nNew words.\n", c=None), counting).texts


def test_another_encoder_encodes_all_again(counting):
    first = build(articles(), counting)
    other = Counting(64)
    assert build(articles(), other, previous=first).vectors.vectors.shape == (6, 64)
    assert len(other.encoded) == 6


def test_progress_counts_the_texts_to_encode(counting):
    seen = []
    build(articles(), counting, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 6), (6, 6)]


def test_the_version_follows_from_articles_and_encoder_alone(counting):
    version = kb_version(articles(), counting)
    assert version == kb_version(reversed(articles()), HashingEncoder()) == build(articles(), counting).kb_version
    assert version == "6f5fa88ec6f662fd"
    draft = parse("---\ntitle: d\ndraft: true\n---\nx", path="d.md")
    assert kb_version([*articles(), draft], counting) == version
    assert kb_version(articles(), HashingEncoder(64)) != version
    assert kb_version(articles(a=BODIES["a"] + "!"), counting) != version


def test_a_stored_snapshot_is_the_same_again(counting, tmp_path):
    snapshot = build(articles(), counting)
    folder = save(snapshot, tmp_path)
    again = load(folder)
    assert folder == tmp_path / snapshot.kb_version == newest(tmp_path)
    assert (again.kb_version, again.encoder_name, again.articles, again.chunks, again.texts, again.digests) == (
        snapshot.kb_version,
        snapshot.encoder_name,
        snapshot.articles,
        snapshot.chunks,
        snapshot.texts,
        snapshot.digests,
    )
    vector = counting.encode(["what is b?"])[0].sentence
    asked = ("what is b?", vector, Audience("default"))
    assert again.search(*asked) == snapshot.search(*asked)
    counting.encoded.clear()
    build(articles(), counting, previous=again)
    assert counting.encoded == []


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_snapshot_with_any_file_changed_is_refused(counting, tmp_path):
    folder = save(build(articles(), counting), tmp_path)
    assert len(files_of(folder)) == 10
    for path in files_of(folder):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(IndexCorrupt, match=r"is corrupt: .*; delete it, the next start rebuilds it"):
            load(folder)
        path.write_bytes(content)
    assert load(folder).kb_version == folder.name


@pytest.mark.parametrize("manifest", ["", "{}", "[]", '{"files": 3}', '{"files": {}, "kb_version": "x"}'])
def test_a_snapshot_with_a_broken_manifest_is_refused(counting, tmp_path, manifest):
    folder = save(build(articles(), counting), tmp_path)
    (folder / "manifest.json").write_text(manifest)
    with pytest.raises(IndexCorrupt):
        load(folder)


def test_saving_again_repairs_what_is_corrupt(counting, tmp_path):
    snapshot = build(articles(), counting)
    folder = save(snapshot, tmp_path)
    (folder / "vectors.npy").unlink()
    save(snapshot, tmp_path)
    assert load(folder).kb_version == snapshot.kb_version


def test_no_pickle_and_nothing_half_written_is_left(counting, tmp_path):
    folder = save(build(articles(), counting), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert set(json.loads((folder / "manifest.json").read_text())) == {"kb_version", "encoder", "files"}
    assert all(path.suffix in {".json", ".npy"} for path in files_of(folder))


def test_the_newest_snapshots_are_kept(counting, tmp_path):
    folders = []
    for number in range(KEPT + 2):
        folders.append(save(build(articles(a=f"# a\n\n{number}"), counting), tmp_path))
        os.utime(folders[-1], (number, number))
    last = save(build(articles(a="# a\n\nlast"), counting), tmp_path)
    assert set(tmp_path.iterdir()) == {last, *folders[-KEPT + 1 :]}
    assert newest(tmp_path) == last
    assert newest(tmp_path / "none") is None
