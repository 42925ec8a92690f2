import numpy as np
import pytest

from retrieval.articles.article import parse
from retrieval.articles.child_chunk import KINDS, cut
from retrieval.index.merge import merge_segments
from retrieval.index.segment import (
    MOST_TOKENS,
    build_segment,
    child_digest,
    load_articles,
    load_segment,
    open_segment,
    save_segment,
)
from retrieval.model.encoder import HashingEncoder

ENCODER = HashingEncoder(48, 16)
TEXTS = {
    "a": "---\ntitle: A\nquestions: [Where is my cash?, When?]\n---\nIntro.\n\n## Cash\n\nCash is sent by mail.",
    "b": "---\ntitle: B\n---\n",
    "c": "---\ntitle: C\n---\n" + "A sentence of some seven words here. " * 30,
    "d": "---\ntitle: D\nquestions: [What is D?]\n---\nSomething.",
}


def articles(names):
    return [parse(TEXTS[name], path=f"{name}.md") for name in names]


def segment_of(names):
    cuts = [cut(article) for article in articles(names)]
    embeddings = {
        child_digest(child): ENCODER.encode([child.text])[0] for cut_article in cuts for child in cut_article.children
    }
    return build_segment(
        cuts, [f"digest of {name}" for name in names], embeddings, configuration="test", widths=(48, 16)
    )


def content(segment):
    fields = {
        name: (
            list(postings.terms),
            postings.starts.tolist(),
            postings.rows.tolist(),
            postings.counts.tolist(),
            postings.lengths.tolist(),
        )
        for name, postings in segment.fields.items()
    }
    arrays = (
        segment.shape.chunk_starts,
        segment.shape.child_starts,
        segment.spans,
        segment.sketches,
        segment.chunk_of_child,
        segment.kind_of_child,
        segment.child_digests,
        segment.vectors.vectors,
        segment.tokens,
        segment.token_starts,
    )
    listed = (segment.name, list(segment.digests), list(segment.shape.article_ids), list(segment.headings))
    return (*listed, fields, *((array.dtype, array.shape, array.tolist()) for array in arrays))


def test_a_question_belongs_to_the_passage_most_like_it():
    segment = segment_of("a")
    kinds = [KINDS[kind] for kind in segment.kind_of_child]
    assert kinds == ["piece", "piece", "heading", "title", "question", "question"]
    assert segment.chunk_of_child.tolist()[4] == 1


def test_only_child_chunks_keep_their_tokens_even_where_a_title_says_the_same():
    segment = build_segment(*_alike(), configuration="test", widths=(48, 16))
    kept = {KINDS[kind]: len(segment.tokens_of(child)) for child, kind in enumerate(segment.kind_of_child)}
    assert kept == {"piece": 1, "title": 0, "question": 0}


def _alike():
    """An article whose one child chunk, title and question are the same words."""
    cut_article = cut(parse("---\ntitle: Refunds\nquestions: [Refunds]\n---\n<br>", path="refunds.md"))
    assert {child.text for child in cut_article.children} == {"Refunds"}
    return (
        [cut_article],
        ["digest"],
        {child_digest(child): ENCODER.encode([child.text])[0] for child in cut_article.children},
    )


def test_the_vectors_of_a_child_chunk_take_at_most_eight_kibibytes():
    text = " ".join(f"f({number})" for number in range(150))
    code = parse(f"---\ntitle: Code\n---\n```\n{text}\n```\n", path="code.md")
    encoder = HashingEncoder(384)
    cut_article = cut(code)
    embeddings = {child_digest(child): encoder.encode([child.text])[0] for child in cut_article.children}
    segment = build_segment([cut_article], ["digest"], embeddings, configuration="test", widths=(384, 64))
    children = {
        position: embeddings[child_digest(child)].tokens
        for position, child in enumerate(cut_article.children)
        if child.kind == "piece"
    }
    assert max(map(len, children.values())) > MOST_TOKENS
    for child, tokens in children.items():
        assert segment.tokens_of(child)[[0, -1]].tolist() == tokens[[0, -1]].tolist()
        assert len(segment.tokens_of(child)) == min(len(tokens), MOST_TOKENS)
    sizes = [
        segment.vectors.vectors[child].nbytes + 384 + segment.tokens_of(child).nbytes
        for child in range(len(cut_article.children))
    ]
    assert 7_000 < max(sizes) <= 8_192


def test_a_child_chunk_gives_back_the_vectors_of_its_text():
    segment = segment_of("abcd")
    expected = ENCODER.encode(["D\nSomething."])[0]
    embedding = segment.embedding(len(segment.kind_of_child) - 3)
    assert embedding.sentence.tolist() == expected.sentence.tolist()
    assert embedding.tokens.tolist() == expected.tokens.tolist()


@pytest.mark.parametrize(("one", "other", "live"), [("ac", "bd", "abcd"), ("abc", "d", "bd"), ("bd", "ac", "b")])
def test_merged_is_as_built_anew(one, other, live):
    parts = [(segment_of(names), np.array([name in live for name in names])) for names in (one, other)]
    assert content(merge_segments(parts)) == content(segment_of(sorted(live)))


@pytest.mark.parametrize("names", ["abcd", "b"])
def test_what_was_stored_is_the_same(names, tmp_path):
    segment = segment_of(names)
    folder = tmp_path / segment.name
    save_segment(segment, articles(names), folder)
    assert content(load_segment(folder)) == content(open_segment(folder)) == content(segment)
    assert list(load_articles(folder)) == articles(names)


def test_the_name_follows_from_articles_and_configuration():
    assert segment_of("ab").name == segment_of("ab").name
    assert segment_of("ab").name != segment_of("ac").name
