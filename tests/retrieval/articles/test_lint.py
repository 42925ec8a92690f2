from retrieval.articles.article import read
from retrieval.articles.lint import lint_articles


def findings(kb):
    return [
        (problem.path.removeprefix(f"{kb.path}/"), problem.line, problem.code)
        for problem in lint_articles(read(kb.path))
    ]


def test_good_articles_have_no_findings(kb):
    kb.write(
        "a.md",
        "---\ntitle: A\n---\n## One\n\nSee [b](sub/b.md#deep) and [above](#one), [c](https://example.com/x.md).\n",
    )
    kb.write(
        "sub/b.md",
        "# B\n\n## Deep\n\nSee [a](../a.md), [help](/help/a#one), [top](#top) and [id](#here).\n\n<a id='here'></a>\n",
    )
    assert findings(kb) == []


def test_broken_links_and_anchors_are_named_with_their_lines(kb):
    kb.write("a.md", "---\ntitle: A\n---\n\n## One\n\n[x](b.md)\n[y](#two)\n[z](/help/nobody)\n\n`[code](no.md)`\n")
    kb.write("c.md", "# C\n\n[x](a.md#three)")
    assert findings(kb) == [
        ("a.md", 7, "broken_link"),
        ("a.md", 8, "broken_link"),
        ("a.md", 9, "broken_link"),
        ("c.md", 3, "broken_link"),
    ]
    assert str(lint_articles(read(kb.path))[-1]) == (
        f"{kb.path}/c.md:3: error: link 'a.md#three' leads to no heading of 'a.md'; check the anchor [broken_link]"
    )


def test_what_makes_an_article_hard_to_find_is_named(kb):
    kb.write("empty.md", "---\ntitle: Empty\n---\n")
    kb.write("long.md", "---\ntitle: " + "x" * 121 + "\n---\n" + "word " * 401)
    kb.write("jump.md", "# One\n\n### Three\n\nText.\n")
    assert findings(kb) == [
        ("empty.md", 1, "empty_body"),
        ("jump.md", 3, "heading_jump"),
        ("long.md", 1, "long_title"),
        ("long.md", 4, "long_paragraph"),
        ("long.md", 4, "no_headings"),
    ]


def test_titles_and_questions_that_two_articles_claim_are_named(kb):
    kb.write("a.md", "---\ntitle: Refunds\nquestions: [Where is it?]\n---\nText.")
    kb.write("b.md", "---\ntitle: REFUNDS\nquestions: [where is it?]\n---\nText.")
    kb.write("c.md", "---\ntitle: Refunds\nlocale: de\nquestions: [Other?, Other?]\n---\nText.")
    assert findings(kb) == [("b.md", 1, "duplicate_question"), ("b.md", 1, "duplicate_title")]


def test_what_cannot_be_read_is_an_error_with_its_line(kb):
    kb.write("a.md", "---\ntitle: A\ndraft: perhaps\n---\n")
    (problem,) = lint_articles(read(kb.path))
    assert (problem.path, problem.line, problem.code, problem.severity) == (
        f"{kb.path}/a.md",
        3,
        "article_error",
        "error",
    )
