import pytest

from retrieval.articles.front_matter import MAX_FRONT_MATTER_CHARS, split
from retrieval.errors import ArticleError


def refused(yaml):
    with pytest.raises(ArticleError) as caught:
        split(f"---\n{yaml}\n---\nbody", path="a.md")
    return str(caught.value)


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("a: &x 1\nb: 2", "a.md:2: front matter uses the anchor '&x'; write the value out"),
        ("a: 1\nb: *x", "a.md:3: front matter uses the alias '*x'; write the value out"),
        ("a: 1\nb: !!python/object:os.system x", "a.md:3: front matter uses the tag 'tag:yaml.org,2002:python/object"),
        ("a: 1\n\na: 2", "a.md:4: field 'a' is given twice; keep one of them"),
        ("a:\n  b: 1\n  b: 2", "a.md:4: field 'b' is given twice"),
        ("- a\n- b", "a.md:2: front matter is a list, not fields; write lines such as 'title: ...'"),
        ("a: b: c", "a.md:2: front matter is not valid YAML (mapping values are not allowed in this context)"),
        ("a: 1\nb: [", "a.md:4: front matter is not valid YAML"),
        ("a: 1\nb: x\x07y", "a.md:3: front matter contains the character '\\x07'; remove it"),
        ('a: "x\\0y"', "a.md:2: front matter contains the escaped character '\\x00'; remove it"),
        ("? [a, b]\n: c", "a.md:2: front matter has a list as a key; use a word as the key"),
        ("a: " + "[" * 17 + "]" * 17, "a.md:2: front matter is nested deeper than 16 levels; flatten it"),
        ("a: " + "[" * 9000, "nested deeper"),
        ("a: " + "x" * MAX_FRONT_MATTER_CHARS, "a.md:1: front matter has 65540 characters, more than 65536"),
    ],
)
def test_what_is_unsafe_or_wrong_is_refused_with_its_line(yaml, message):
    assert message in refused(yaml)


def test_an_opened_and_never_closed_front_matter_is_refused():
    with pytest.raises(ArticleError, match=r"a\.md:1: front matter is not closed; add a line '---'"):
        split("---\ntitle: a\n", path="a.md")


def test_a_text_without_front_matter_has_no_fields():
    fields, body = split("# A\n---\nb", path="a.md")
    assert (dict(fields.rest()), body) == ({}, "# A\n---\nb")


def test_words_are_taken_as_written():
    fields, _ = split("---\na: no\nb: 007\nc: 2026-01-31\nd: >\n  two\n  lines\ne: ~\n---\n", path="a.md")
    assert [fields.text(key) for key in "abcdef"] == ["no", "007", "2026-01-31", "two lines", None, None]


def test_unknown_values_stay_plain_and_bounded():
    yaml = (
        "a: 1\nb: 1.5\nc: yes\nd: ~\ne: 0x1F\nf: 1:30\ng: .inf\nh: 99999999999999999999\ni: 2026-01-31\nj: [x, {k: v}]"
    )
    fields, _ = split(f"---\n{yaml}\n---\n", path="a.md")
    assert dict(fields.rest()) == {
        "a": 1,
        "b": 1.5,
        "c": True,
        "d": None,
        "e": "0x1F",
        "f": "1:30",
        "g": ".inf",
        "h": "99999999999999999999",
        "i": "2026-01-31",
        "j": ["x", {"k": "v"}],
    }
