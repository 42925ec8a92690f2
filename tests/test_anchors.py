"""A citation leads to a heading: the index and the rendered page name headings alike without knowing each other."""

import re

import pytest

from conversation import markup
from retrieval.articles import markdown

ARTICLE = """\
# Set up `handrail serve` & co.
## 1. Install
## Install
## Install
## Größe *ändern*, 日本 and snake_case
## [Linked](https://example.com/a-b) words {#linked.words}
## Picture ![of a cat](cat.png)
## a <kbd>Ctrl</kbd> b
## a &amp; b \\* c
## - a dash
## 🎉
## ?

Underlined
over two lines
---

- ## In a list

> ## In a quote

```
# not a heading
```

<div>

# After HTML

</div>

## Install
"""


def test_the_index_and_the_page_give_a_heading_the_same_anchor():
    rendered = re.findall(r"^<h(\d)(?: id=\"([^\"]*)\")?>", markup.to_html(ARTICLE, anchors=True), re.MULTILINE)
    page = [(int(level), anchor) for level, anchor in rendered]
    index = [(heading.level, heading.anchor) for heading in markdown.headings(ARTICLE)]
    nested = [(2, ""), (2, "")]  # in the list and in the quote: no citation leads there
    assert [heading for heading in page if heading[1]] == [heading for heading in index if heading[1]]
    assert len(page) == len(index) + len(nested)


@pytest.mark.parametrize(
    "words", ["", " a  b ", "C++ & C#", "don't", "a_b-c", "Ünï 日本 ٣", "½ x²", "é", "a\tb", "🎉 x"]
)
def test_both_slugs_agree(words):
    assert markup.slug(words) == markdown.slug(words)
