import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.articles.article import parse
from retrieval.articles.audience import Audience
from retrieval.index import builder
from retrieval.index.builder import build, compact, kb_version, mergeable
from retrieval.index.segment import FULL_CHILD_CHUNKS
from retrieval.index.structures.tokens import words
from retrieval.model.encoder import HashingEncoder
from retrieval.search.signals import Query
from retrieval.search.stages import search

BODIES = {
    name: f"---\ntitle: {name}\nquestions: [what is {name}?]\nextra: {{k: [1]}}\n---\nAbout {name}.\n" for name in "abc"
}
EVERYBODY = Audience("default", internal=True)


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


def content(snapshot, encoder):
    """Everything a reader of a snapshot can see."""
    everything = np.ones(len(snapshot.article_ids), dtype=np.bool_)
    fields = [
        snapshot.field_scores(field, words("one two what is parcel refund"), everything).tolist()
        for field in ("title", "body", "question")
    ]
    hits = []
    for query in ("refund of a parcel", "what is one", "two"):
        embedding = encoder.encode([query])[0]
        hits.append(search(snapshot, Query(query, embedding), EVERYBODY))
        hits.append([array.tolist() for array in snapshot.dense(embedding.sentence, everything, 1000)])
    return (
        snapshot.kb_version,
        snapshot.article_ids,
        dict(snapshot.articles),
        list(snapshot.chunks),
        [tokens.tolist() for tokens in snapshot.tokens(np.arange(len(snapshot.article_of_child)))],
        snapshot.sketches(range(len(snapshot.chunks))).tolist(),
        *(rows.tolist() for rows in (snapshot.article_of_chunk, snapshot.article_of_child)),
        *(rows.tolist() for rows in (snapshot.chunk_of_child, snapshot.kind_of_child)),
        fields,
        hits,
    )


body = st.lists(
    st.sampled_from(["One parcel.", "## Refund", "Two refunds, one parcel.", "- one\n- two", "| a | b |\n|---|---|\n"]),
    max_size=5,
).map("\n\n".join)
article = st.builds(
    "---\ntitle: {}\nquestions: {}\nvisibility: {}\n---\n{}".format,
    st.sampled_from(["Parcel", "Refund", "One"]),
    st.sampled_from(["[]", "[what is one, where is the parcel]"]),
    st.sampled_from(["public", "internal"]),
    body,
)
state = st.dictionaries(st.sampled_from("abcdef"), article, max_size=6)


@settings(max_examples=40, deadline=None)
@given(st.lists(state, min_size=1, max_size=6), st.integers(0, 3))
def test_whatever_was_edited_before_the_snapshot_is_as_one_built_anew(states, merged_every):
    encoder = HashingEncoder(32)
    snapshot = None
    for number, texts in enumerate(states):
        present = [parse(text, path=f"{name}.md") for name, text in texts.items()]
        snapshot = build(present, encoder, previous=snapshot)
        if merged_every and number % merged_every == 0 and snapshot.parts:
            snapshot = merged_wholly(snapshot)
    assert content(snapshot, encoder) == content(build(present, encoder), encoder)


def merged_wholly(snapshot):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "mergeable", lambda sizes: list(range(len(sizes))))
        return compact(snapshot)


def test_only_what_is_new_is_encoded(counting):
    first = build(articles(), counting)
    assert len(counting.encoded) == 9  # of each article a child chunk, its title and a question
    counting.encoded.clear()
    changed = articles(b="---\ntitle: b\nquestions: [what is b?]\n---\nNew words.\n", c=None)
    second = build(changed, counting, previous=first)
    assert counting.encoded == ["b\nNew words."]
    assert second.kb_version != first.kb_version
    assert content(second, counting) == content(build(changed, HashingEncoder()), counting)


def test_an_edit_adds_a_segment_and_leaves_the_large_one_alone(counting):
    first = build(articles(), counting)
    second = build(articles(b="# b\n\nNew words."), counting, previous=first)
    assert second.parts[0].segment is first.parts[0].segment
    assert [part.live.tolist() for part in second.parts] == [[True, False, True], [True]]


def test_an_edit_that_is_undone_needs_nothing_new(counting):
    first = build(articles(), counting)
    second = build(articles(b="# b\n\nNew words."), counting, previous=first)
    counting.encoded.clear()
    third = build(articles(), counting, previous=second)
    assert counting.encoded == []
    assert [part.segment for part in third.parts] == [first.parts[0].segment]


def test_the_same_text_is_encoded_once(counting):
    build([*articles(a="# Same\n\nText.", b=None, c=None), parse("# Same\n\nText.", path="d.md")], counting)
    assert counting.encoded == ["Same\nText.", "Same"]


def test_another_encoder_encodes_all_again(counting):
    first = build(articles(), counting)
    other = Counting(64)
    (part,) = build(articles(), other, previous=first).parts
    assert part.segment.vectors.vectors.shape == (9, 64)
    assert len(other.encoded) == 9


def test_progress_counts_the_texts_to_encode(counting):
    reports = []
    build(articles(), counting, progress=lambda done, total: reports.append((done, total)))
    assert reports == [(0, 9), (9, 9)]


def test_the_version_follows_from_articles_and_encoder_alone(counting):
    version = kb_version(articles(), counting)
    assert version == kb_version(reversed(articles()), HashingEncoder()) == build(articles(), counting).kb_version
    draft = parse("---\ntitle: d\ndraft: true\n---\nx", path="d.md")
    assert kb_version([*articles(), draft], counting) == version
    assert kb_version(articles(), HashingEncoder(64)) != version
    assert kb_version(articles(a=BODIES["a"] + "!"), counting) != version


def test_articles_that_are_the_same_objects_are_not_hashed_again(counting, monkeypatch):
    present = articles()
    snapshot = build(present, counting)
    edited = [dataclasses.replace(present[0], title="other"), *present[1:]]
    expected = kb_version(edited, counting)
    hashed = []
    digest = builder.article_digest
    monkeypatch.setattr(builder, "article_digest", lambda article: hashed.append(article.article_id) or digest(article))
    assert kb_version(edited, counting, snapshot) == expected
    assert hashed == ["a"]


def test_a_large_build_is_handed_over_in_segments(counting, monkeypatch):
    monkeypatch.setattr(builder, "FULL_CHILD_CHUNKS", 6)
    kept = []
    snapshot = build(
        articles(),
        counting,
        keep=lambda segment, segment_articles: (
            kept.append([article.article_id for article in segment_articles]) or segment
        ),
    )
    assert kept == [["a", "b"], ["c"]]
    assert content(snapshot, counting) == content(build(articles(), counting), counting)


def test_segments_are_merged_when_they_are_many(counting):
    snapshot = build(articles(), counting)
    while (merged := compact(snapshot)) is None:
        number = len(snapshot.parts)
        snapshot = build(
            [*snapshot.articles.values(), parse(f"# n{number}\n\nText.", path=f"n{number}.md")],
            counting,
            previous=snapshot,
        )
    assert len(snapshot.parts) == builder.MANY + 1
    assert len(merged.parts) < len(snapshot.parts)
    assert content(merged, counting) == content(snapshot, counting)


def test_no_articles_are_an_empty_snapshot(counting):
    snapshot = build([], counting, previous=build(articles(), counting))
    assert (snapshot.parts, list(snapshot.chunks), snapshot.kb_version) == ((), [], kb_version([], counting))


@pytest.mark.parametrize(
    ("sizes", "merged"),
    [
        ([], []),
        ([(5000, 1.0), *[(3, 1.0)] * 7], []),
        ([(5000, 1.0), *[(3, 1.0)] * 8], [1, 2, 3, 4, 5, 6, 7, 8]),
        ([(24, 1.0), (5000, 1.0), *[(3, 1.0)] * 7], [2, 3, 4, 5, 6, 7, 8]),
        ([(FULL_CHILD_CHUNKS, 1.0)] * 20, []),
        ([(FULL_CHILD_CHUNKS // 2 - 1, 1.0)] * 9, [0, 1]),
        ([(100, 0.4), (5000, 0.9)], [0]),
        ([(12000, 0.4), *[(4000, 1.0)] * 9], [0, 1]),
    ],
)
def test_what_is_mostly_dead_or_small_among_many_is_merged_and_never_more_than_full(sizes, merged):
    assert mergeable(sizes) == merged


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, FULL_CHILD_CHUNKS), max_size=200))
def test_there_are_never_many_small_segments_for_long(added):
    sizes = []
    for children in added:
        sizes.append((children, 1.0))
        due = mergeable(sizes)
        if due:
            total = sum(sizes[index][0] for index in due)
            assert total <= FULL_CHILD_CHUNKS
            assert len(due) > 1
            sizes = [size for index, size in enumerate(sizes) if index not in due] + [(total, 1.0)]
        assert sum(children < FULL_CHILD_CHUNKS // 2 for children, _ in sizes) <= builder.MANY
