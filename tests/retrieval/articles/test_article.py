import os

import pytest

from retrieval.articles import article
from retrieval.articles.article import MAX_ARTICLE_BYTES, MAX_ARTICLE_LINES, Article, Reader, parse, read
from retrieval.errors import ArticleError, KbEmpty, KbMissing

FULL = """---
id: 8991429732124
title: Getting your money back
category: Payments
tags: [refund, money]
questions:
  - Where is my money?
  - How long does a refund take?
visibility: internal
sites: [shop]
draft: true
locale: no
url: https://example.com/refunds
updated: 2026-01-31
owner: {team: payments, level: 2}
---

# Refunds

Five days.
"""


def refused(text, path="refunds.md"):
    with pytest.raises(ArticleError) as caught:
        parse(text, path=path)
    return str(caught.value)


def test_every_field_is_read_and_unknown_ones_are_kept():
    assert parse(FULL, path="a/refunds.md") == Article(
        article_id="8991429732124",
        title="Getting your money back",
        body="# Refunds\n\nFive days.\n",
        path="a/refunds.md",
        category="Payments",
        tags=("refund", "money"),
        questions=("Where is my money?", "How long does a refund take?"),
        visibility="internal",
        sites=("shop",),
        draft=True,
        locale="no",
        url="https://example.com/refunds",
        updated="2026-01-31",
        extra={"owner": {"team": "payments", "level": 2}},
        body_line=18,
    )


def test_id_defaults_to_the_file_name_and_title_to_the_first_heading():
    article = parse("Intro.\n\n```\n# no heading\n```\n\n## 1. *Lost* `parcels` {#lost}\n", path="a/lost parcels.md")
    assert (article.article_id, article.title, article.body_line) == ("lost-parcels", "1. Lost parcels", 1)


def test_byte_order_mark_and_windows_newlines_change_nothing():
    windows = "\ufeff" + FULL.replace("\n", "\r\n")
    assert parse(windows, path="a/refunds.md") == parse(FULL, path="a/refunds.md")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no heading", "refunds.md:1: field 'title' is missing; add 'title: ...' to the front matter"),
        ("---\ntitle: [a]\n---\n", "refunds.md:2: field 'title' holds a list where text belongs"),
        ("---\nid: x\ntitle: {a: b}\n---\n", "refunds.md:3: field 'title' holds a mapping where text belongs"),
        ("---\ntitle: a\nid: yes\n---\n", "refunds.md:3: field 'id' is true or false, not text; quote it"),
        ("---\ntitle: a\nid: ../x\n---\n", "refunds.md:3: field 'id' is '../x'; use letters"),
        ("---\ntitle: a\nid: a b\n---\n", "refunds.md:3: field 'id' is 'a b'"),
        (
            "---\ntitle: a\ntags: b\n---\n",
            "refunds.md:3: field 'tags' is the text 'b', not a list; write 'tags: [first",
        ),
        ("---\ntitle: a\ntags:\n- b\n- [c]\n---\n", "refunds.md:5: field 'tags' holds a list where text belongs"),
        ("---\ntitle: a\ndraft: maybe\n---\n", "refunds.md:3: field 'draft' is the text 'maybe', not true or false"),
        ("---\ntitle: a\nvisibility: secret\n---\n", "field 'visibility' is 'secret'; write 'public' or 'internal'"),
        ("---\ntitle: a\nurl: javascript:alert(1)\n---\n", "refunds.md:3: field 'url' is 'javascript:alert(1)'"),
        ("---\ntitle: a\nurl: //evil.example\n---\n", "refunds.md:3: field 'url' is '//evil.example'"),
        ("---\ntitle: a\nlocale: 12\n---\n", "refunds.md:3: field 'locale' is '12'; write a language tag"),
        ("---\ntitle: a\nupdated: soon\n---\n", "refunds.md:3: field 'updated' is 'soon'; write a date"),
        ("# a\n\n\ud800\n", "refunds.md:3: '\\ud800' is not a character"),
        ("# a\n" * (MAX_ARTICLE_LINES + 2), f"refunds.md:{MAX_ARTICLE_LINES}: file has more than"),
    ],
)
def test_a_fault_is_named_with_its_line_and_what_to_do(text, message):
    assert message in refused(text)


def test_reading_sorts_by_id_and_keeps_drafts(kb):
    kb.write("b/z.md", "# Z")
    kb.write("a.md", "---\nid: zz\ndraft: true\n---\n# A")
    reading = read(kb.path)
    assert [(article.article_id, article.path, article.draft) for article in reading.articles] == [
        ("z", "b/z.md", False),
        ("zz", "a.md", True),
    ]
    assert reading.errors == ()


def test_a_broken_file_harms_no_other_and_is_named_with_its_folder(kb):
    kb.write("good.md", "# Good")
    kb.write("latin.md", b"# Caf\n\ncaf\xe9\n")
    kb.write("large.md", b"# a\n" + b"x" * MAX_ARTICLE_BYTES)
    kb.write("bad.md", "---\ntitle: a: b\n---\n")
    reading = read(kb.path)
    assert [article.article_id for article in reading.articles] == ["good"]
    assert [(error.path, error.line) for error in reading.errors] == [
        (f"{kb.path}/bad.md", 2),
        (f"{kb.path}/large.md", 1),
        (f"{kb.path}/latin.md", 3),
    ]
    assert "byte 0xe9 is not UTF-8; save the file as UTF-8" in str(reading.errors[2])


def test_two_articles_with_one_id_are_both_left_out_and_both_named(kb):
    kb.write("a.md", "---\nid: same\n---\n# A")
    kb.write("b.md", "---\nid: same\n---\n# B")
    reading = read(kb.path)
    assert reading.articles == ()
    assert str(reading.errors[0]) == (
        f"{kb.path}/b.md:1: article id 'same' is also that of 'a.md'; give one of them another 'id'"
    )


def test_hidden_folders_other_files_and_links_out_of_the_folder_are_passed_over(kb, tmp_path):
    secret = tmp_path / "secret.md"
    secret.write_text("# Secret")
    kb.write("a.md", "# A")
    kb.write(".git/b.md", "# B")
    kb.write("c.txt", "# C")
    (kb.path / "linked.md").symlink_to(secret)
    (kb.path / "inner.md").symlink_to(kb.path / "a.md")
    assert {article.article_id for article in read(kb.path).articles} == {"a", "inner"}


def test_a_missing_and_an_empty_folder_are_told_apart(kb, tmp_path):
    with pytest.raises(KbMissing, match="'/nowhere/kb' does not exist; create it"):
        read(type(tmp_path)("/nowhere/kb"))
    with pytest.raises(KbEmpty, match="holds no articles; put at least one"):
        read(kb.path)


def test_only_files_that_changed_are_parsed_again(kb, monkeypatch):
    for name in "abc":
        os.utime(kb.write(f"deep/{name}.md", f"# {name}\n\nText."), ns=(1, 1))
    kb.write("bad.md", "---\ntitle: [x]\n---\n")
    reader = Reader(kb.path)
    first = reader.read()
    kb.write("deep/b.md", "# b\n\nOther text.")
    parsed = []
    monkeypatch.setattr(article, "parse", lambda text, path: parsed.append(path) or parse(text, path=path))
    second = reader.read()
    assert parsed == ["bad.md", "deep/b.md"]  # the broken one is so young that it may have changed unseen
    assert [one is other for one, other in zip(first.articles, second.articles, strict=True)] == [True, False, True]
    assert second.articles[1].body == "# b\n\nOther text."
    assert second.errors == first.errors


def test_a_file_saved_twice_within_a_tick_of_the_clock_is_not_missed(kb):
    file = kb.write("a.md", "# a\n\nOne.")
    reader = Reader(kb.path)
    reader.read()
    status = file.stat()
    file.write_bytes(b"# a\n\nTwo.")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert reader.read().articles[0].body == "# a\n\nTwo."


def test_a_look_sees_every_article_file_and_opens_none(kb, tmp_path):
    kb.write("a.md", "x")
    kb.write("deep/b.md", "")
    kb.write(".git/c.md", "x")
    kb.write("notes.txt", "x")
    (tmp_path / "outside.md").write_text("x")
    (kb.path / "link.md").symlink_to(tmp_path / "outside.md")
    (kb.path / "inner.md").symlink_to(kb.path / "a.md")
    assert {path: found.size for path, found in Reader(kb.path).look().items()} == {
        "a.md": 1,
        "deep/b.md": 0,
        "inner.md": 1,
    }
    assert Reader(tmp_path / "none").look() == {}
