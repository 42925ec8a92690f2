from bot.answer.citations import cite, url_of
from retrieval.articles.article import parse
from retrieval.articles.chunk import split
from retrieval.search.stages import Hit


def hit(front, body="# T\n\nintro\n\n## Money back {#money}\n\nWithin **five** days, see [this](https://x.example)."):
    article = parse(f"---\n{front}\n---\n\n{body}", path="a&b.md")
    return Hit(article=article, chunk=split(article)[-1], score=1.0, signals={})


def test_an_article_of_ours_is_cited_in_the_help_centre_at_its_heading():
    assert url_of(hit("title: Refunds"), "https://support.example") == "https://support.example/help/a%26b#money"


def test_an_article_with_its_own_address_is_cited_there():
    assert url_of(hit("title: Refunds\nurl: https://docs.example/r"), "") == "https://docs.example/r#money"


def test_an_address_on_this_server_is_cited_there():
    assert (
        url_of(hit("title: Refunds\nurl: /docs/r"), "https://support.example") == "https://support.example/docs/r#money"
    )


def test_an_address_with_parentheses_cannot_end_a_markdown_link():
    cited_hit = hit("title: Refunds\nurl: https://docs.example/r_(shop)?a=1&b=%20")
    assert url_of(cited_hit, "") == "https://docs.example/r_%28shop%29?a=1&b=%20#money"


def test_a_quote_is_plain_words():
    citation = cite(hit("title: Refunds"), "", "Within **five** days, see [this](https://x.example).")
    assert (citation.heading, citation.quote) == ("Money back", "Within five days, see this.")


def test_a_long_quote_is_cut_at_a_word():
    citation = cite(hit("title: Refunds"), "", "word " * 100)
    assert citation.quote.endswith("word…")
    assert len(citation.quote) <= 240
