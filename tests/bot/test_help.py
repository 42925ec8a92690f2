"""The help centre as a browser sees it: what is listed, found and shown, and what never is."""

from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from bot.answer.citations import url_of
from bot.help.library import ReadableArticles
from bot.help.pages import routes
from retrieval.articles.article import read
from retrieval.articles.audience import Audience
from retrieval.errors import EncoderBusy
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder
from retrieval.search.signals import Query
from retrieval.search.stages import Signal, search
from tests.builders import RecordingEncode

ENCODER = HashingEncoder()
PUBLIC = Audience("default")

REFUNDS = """\
---
title: Refunds
category: Orders
updated: 2026-01-31
---
# Refunds
We refund what you paid.
## How to ask
Write to us with the order number.
### By letter
Use the form in the parcel.
## When the money arrives
Within five days, to the card you paid with. See [parcels](parcels.md#lost-parcels).
"""
PARCELS = """\
---
title: Parcels
category: Orders
---
Where your parcel is.
## Lost parcels
We look for it, and refund the money if it is lost.
"""
SHOWN_CATEGORY = "---\ntitle: {title}\ncategory: {category}\n---\nSome words about it.\n"


class Page(HTMLParser):
    """What a page is made of: each element with its attributes and the text inside it."""

    def __init__(self, response):
        super().__init__()
        self.status = response.status_code
        self.elements = []
        self._open = []
        self.feed(response.text)

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "text": "", **dict(attrs)}
        self.elements.append(element)
        if tag not in {"meta", "link", "input", "br", "hr", "img"}:
            self._open.append(element)

    def handle_endtag(self, tag):
        while self._open.pop()["tag"] != tag:
            pass

    def handle_data(self, data):
        for element in self._open:
            element["text"] += data

    def all(self, tag, **attrs):
        return [
            e for e in self.elements if e["tag"] == tag and all(e.get(key) == value for key, value in attrs.items())
        ]

    def texts(self, tag):
        return [" ".join(element["text"].split()) for element in self.all(tag)]

    @property
    def links(self):
        return {" ".join(link["text"].split()): link["href"] for link in self.all("a")}

    @property
    def ids(self):
        return [element["id"] for element in self.elements if "id" in element]

    @property
    def main(self):
        return " ".join(self.all("main")[0]["text"].split())


class Site:
    """A help centre over a folder of articles, as one process serves it."""

    def __init__(self, folder, **options):
        self.folder = folder
        self.build()
        app = FastAPI()
        app.include_router(routes(lambda: self.snapshot, options.pop("encode", RecordingEncode(ENCODER)), **options))
        self.client = TestClient(app)

    def build(self):
        self.snapshot = build(read(self.folder).articles, ENCODER)

    def get(self, path, **options):
        return self.client.get(path, **options)

    def page(self, path):
        return Page(self.get(path))


@pytest.fixture
def site(tmp_path):
    def of(**articles):
        folder = tmp_path / "kb"
        for name, text in articles.items():
            path = folder / f"{name}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return Site(folder)

    return of


@pytest.fixture
def shop(site):
    return site(refunds=REFUNDS, parcels=PARCELS)


def test_all_articles_stand_under_their_category_by_title_and_the_uncategorised_last(site):
    page = site(
        a=SHOWN_CATEGORY.format(title="zebra", category="Travel"),
        b=SHOWN_CATEGORY.format(title="Apple", category="Travel"),
        c=SHOWN_CATEGORY.format(title="Loose", category="''"),
        d=SHOWN_CATEGORY.format(title="Bill", category="accounts"),
    ).page("/help")
    assert page.texts("h2") == ["accounts", "Travel", "More articles"]
    assert [text for text in page.texts("li") if not text[-1].isdigit()] == ["Bill", "Apple", "zebra", "Loose"]
    assert "4 articles in 3 categories" in page.main


def test_a_category_in_the_overview_and_the_breadcrumb_leads_to_its_section(site):
    help_centre = site(
        a=SHOWN_CATEGORY.format(title="One", category="Räder & <Reifen>"),
        b=SHOWN_CATEGORY.format(title="Two", category="Räder & Reifen"),
    )
    page = help_centre.page("/help")
    sections = {heading["text"]: heading["id"] for heading in page.all("h2")}
    assert len(set(sections.values())) == 2
    for article_id, category in [("a", "Räder & <Reifen>"), ("b", "Räder & Reifen")]:
        address = help_centre.page(f"/help/{article_id}").links[category]
        assert unquote(address) == f"/help#{sections[category]}"
        assert page.links[f"{category} 1"] == address


def test_one_article_is_counted_in_the_singular_without_categories(site):
    assert "1 article " in site(a="# One\n\nWords.\n").page("/help").main + " "


def test_a_help_centre_without_public_articles_says_so(site):
    page = site(a="---\ntitle: Secret\nvisibility: internal\n---\nWords.\n").page("/help")
    assert page.status == 200
    assert "There are no articles here yet" in page.main


def test_the_search_field_works_without_a_script(shop):
    page = shop.page("/help")
    (form,) = page.all("form")
    assert (form["action"], form["method"]) == ("/help", "get")
    assert page.all("input", type="search", name="q", maxlength="200")
    assert page.all("button", type="submit")


def closest(page):
    (section,) = page.all("section", **{"class": "closest"})
    return " ".join(section["text"].split())


def test_a_search_shows_the_best_passage_of_the_closest_article_above_the_others(shop):
    page = shop.page("/help?q=when does the money arrive on my card")
    assert closest(page) == (
        "Closest match Within five days, to the card you paid with. See parcels. Refunds › When the money arrives"
    )
    assert page.links["Refunds › When the money arrives"] == "/help/refunds#when-the-money-arrives"
    assert page.texts("li") == ["Parcels Lost parcels We look for it, and refund the money if it is lost."]
    assert page.all("input", value="when does the money arrive on my card")


def test_each_article_stands_once_however_many_passages_of_it_are_found(site):
    parts = "\n".join(f"## Refund rule {n}\nRefunds, part {n}.\n" for n in range(5))
    page = site(rules=f"# Rules\n\n{parts}", fees="# Fees\n\nRefunds of fees.\n").page("/help?q=refunds")
    assert len(page.all("li")) == 1
    assert sum("rules" in href for href in page.links.values()) == 1


def test_a_search_that_finds_one_article_lists_no_others(site):
    page = site(a="# Notes\n\nUse the notes.\n").page("/help?q=notes")
    assert closest(page) == "Closest match Use the notes. Notes"
    assert not page.all("ol")
    assert page.texts("h2") == ["Closest match"]


def test_the_closest_match_keeps_steps_code_and_links_to_the_web_and_leads_to_no_hidden_article(site):
    steps = (
        "# Set up\n\n1. Open `port`.\n2. See [secret](/help/secret), [fees](/help/fees) and [web](https://x.test/).\n"
    )
    page = site(
        setup=steps, fees="# Fees\n\nWords.\n", secret="---\nvisibility: internal\n---\n# Secret\n\nWords.\n"
    ).page("/help?q=set up port")
    assert [code["text"] for code in page.all("code")] == ["port"]
    assert page.texts("li")[:2] == ["Open port.", "See secret, fees and web."]
    assert page.links["web"] == "https://x.test/"
    assert "secret" not in page.links


def test_a_passage_of_whose_words_and_meaning_nothing_is_known_is_no_result(shop):
    """Late interaction alone may rank a passage: it compares the best children of an article, whatever they are."""
    query = Query("card", ENCODER.encode(["card"])[0])
    hits = search(shop.snapshot, query, PUBLIC, 5)
    readable = ReadableArticles.of(shop.snapshot, PUBLIC)
    assert readable.relevant(hits)
    late = Signal(0.9, 1)
    assert readable.relevant([replace(hit, signals={"late": late}) for hit in hits]) == []


def test_an_excerpt_has_no_markup_of_the_article(site):
    notes = "# Notes\n\n> [!NOTE]\n> Use **bold** `code` &amp; [links](https://x.test).\n"
    page = site(a=notes, b="# Bold bold\n\nBold, bold and bold.\n").page("/help?q=bold")
    assert page.texts("li") == ["Notes Use bold code & links."]


@pytest.mark.parametrize("query", ["secret", "xyzzy qqq", "?!"])
def test_a_search_without_a_result_is_kind_and_shows_ways_out(site, query):
    articles = {"a": "---\ntitle: Secret\nvisibility: internal\n---\nWords.\n", "refunds": REFUNDS}
    page = site(**articles).page(f"/help?q={query}")
    assert page.status == 200
    assert not page.all("ol")
    assert "no article seems to be about that" in page.main
    assert page.links["all articles"] == "/help"
    assert "ask in the chat" in page.texts("button")


def test_an_empty_query_shows_everything(shop):
    assert shop.page("/help?q=%20%09").texts("h1") == ["How can we help?"]


def test_a_query_is_cut_at_200_characters(shop):
    page = shop.page("/help?q=" + "é" * 201)
    assert page.all("input", value="é" * 200)


def test_a_query_is_shown_as_text(shop):
    query = "\"><script>alert(1)</script>'\x00"
    page = Page(shop.get("/help", params={"q": query}))
    assert [script.get("src", "").split(".")[0] for script in page.all("script")] == ["/widget", "/help/static/help"]
    assert page.all("input", type="search")[0]["value"].startswith("\"><script>alert(1)</script>'")


def test_an_article_shows_title_date_category_and_body(shop):
    page = shop.page("/help/refunds")
    assert page.texts("h1") == ["Refunds"]
    assert page.texts("title") == ["Refunds – Help centre"]
    assert page.links["Orders"] == "/help#Orders"
    assert [(time["datetime"], time["text"]) for time in page.all("time")] == [("2026-01-31", "31 January 2026")]
    assert "We refund what you paid." in page.texts("p")


def test_a_first_heading_that_repeats_the_title_is_shown_once_and_keeps_its_anchor(shop):
    page = shop.page("/help/refunds")
    assert [heading["id"] for heading in page.all("h1")] == ["refunds"]
    assert page.main.count("Refunds") == 1


def test_a_first_heading_that_says_something_else_stays(site):
    page = site(a="---\ntitle: Refunds\n---\n# Money *back*\nWords.\n").page("/help/a")
    assert page.texts("h1") == ["Refunds", "Money back"]


def test_three_headings_get_a_table_of_contents_that_leads_to_them(shop):
    page = shop.page("/help/refunds")
    contents = {text: href for text, href in page.links.items() if href.startswith("#") and "~" not in href}
    assert contents == {
        "How to ask": "#how-to-ask",
        "By letter": "#by-letter",
        "When the money arrives": "#when-the-money-arrives",
    }
    assert {href[1:] for href in contents.values()} <= set(page.ids)
    assert not shop.page("/help/parcels").all("nav", **{"aria-label": "On this page"})


def test_contents_of_a_text_too_hard_to_render_promise_nothing(site):
    page = site(a="# A\n\n## B\n\n## C\n\n## D\n\n" + "[<b>" * 100_000).page("/help/a")
    assert page.status == 200
    assert not page.all("nav", **{"aria-label": "On this page"})


def test_every_passage_of_every_article_has_the_address_its_citation_gives(site):
    help_centre = site(
        odd="# Größe & Co.\n\n## 1. Install\nA.\n## Install\nB.\n## Install\nC.\n## `x` {#own.id}\nD.\n",
        refunds=REFUNDS,
        parcels=PARCELS,
        **{"a&b;c=d,(e)+ü🎉": "# Odd name\n\n## Größe 日本\nWords.\n"},
    )
    cited = set()
    for article in help_centre.snapshot.articles.values():
        for hit in search(help_centre.snapshot, Query(article.title, ENCODER.encode([article.title])[0]), PUBLIC, 50):
            address, _, anchor = url_of(hit, "").partition("#")
            page = help_centre.page(address)
            assert (page.status, page.texts("h1")[0]) == (200, hit.article.title)
            assert not anchor or unquote(anchor) in page.ids
            cited.add(url_of(hit, ""))
    assert len(cited) > 8


def test_links_between_articles_lead_to_their_pages_and_others_stay_words(site):
    linking = """\
# Linking
[file](other.md) [here](./other.md#part) [id](other) [up](../sub/other.md) [root](/help/other) [by path](deep.md)
[web](https://x.test/?a=1&b=2) [mail](mailto:a@x.test) [self](#part) [console](/console)
[gone](nowhere.md) [secret](secret.md) [secret page](/help/secret#x) [draft](draft) [picture](img/a.png)
[bad](javascript:alert(1)) [far](//x.test/other.md)
"""
    page = site(
        **{
            "sub/linking": linking,
            "sub/other": "# Other\n\nWords.\n",
            "sub/deep": "---\nid: renamed\n---\n# Deep\n",
            "secret": "---\nvisibility: internal\n---\n# Secret\n",
            "draft": "---\ndraft: true\n---\n# Draft\n",
        }
    ).page("/help/linking")
    words = "file here id up root web mail self console gone secret draft picture bad far"
    assert {text: href for text, href in page.links.items() if text in [*words.split(), "by path", "secret page"]} == {
        "file": "/help/other",
        "here": "/help/other#part",
        "id": "/help/other",
        "up": "/help/other",
        "root": "/help/other",
        "by path": "/help/renamed",
        "web": "https://x.test/?a=1&b=2",
        "mail": "mailto:a@x.test",
        "self": "#part",
        "console": "/console",
    }
    assert "gone secret secret page draft picture bad far" in page.main


def test_related_articles_are_three_others(site):
    help_centre = site(**{f"a{n}": f"# Refund rule {n}\n\nRefund rules, part {n}.\n" for n in range(6)})
    page = help_centre.page("/help/a0")
    related = [text for text in page.texts("li") if text.startswith("Refund rule")]
    assert len(related) == 3
    assert "Refund rule 0" not in related


@pytest.fixture
def guarded(site):
    hidden = {
        "internal": "visibility: internal",
        "draft": "draft: true",
        "elsewhere": "sites: [other]",
    }
    return site(
        refunds=REFUNDS,
        **{name: f"---\ntitle: Secret refunds\n{field}\n---\nHidden refunds.\n" for name, field in hidden.items()},
    )


HIDDEN = ["internal", "draft", "elsewhere"]


@pytest.mark.parametrize("article_id", HIDDEN)
def test_a_hidden_article_is_answered_like_a_missing_one(guarded, article_id):
    known = {"If-None-Match": guarded.get("/help").headers["etag"]}
    hidden, missing = (guarded.get(f"/help/{name}", headers=known) for name in (article_id, "no-such-article"))
    assert hidden.status_code == 404
    assert (hidden.content, hidden.headers) == (missing.content, missing.headers)
    assert "There is no such article" in Page(hidden).main


@pytest.mark.parametrize("path", ["/help", "/help?q=secret refunds", "/help/refunds"])
def test_a_hidden_article_is_in_no_list_search_or_suggestion(guarded, path):
    response = guarded.get(path)
    assert response.status_code == 200
    main = Page(response).main.replace("“secret refunds”", "")
    assert "ecret" not in main
    assert "idden" not in main
    assert not [href for href in Page(response).links.values() if any(name in href for name in HIDDEN)]


@pytest.mark.parametrize(
    "path", ["/help/", "/help/a/b", "/help/refunds/", "/help/%2e%2e", "/help/static/x.css", "/help/%ff%00"]
)
def test_whatever_is_no_article_gets_the_friendly_page(shop, path):
    page = shop.page(path)
    assert page.status == 404
    assert "There is no such article" in page.main
    assert page.links["all articles"] == "/help"


HOSTILE = "</title></h1>\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}"


@pytest.mark.parametrize("path", ["/help", "/help?q=alert", "/help/a", "/help/b"])
def test_hostile_titles_categories_and_bodies_are_text(site, path):
    quoted = HOSTILE.replace("'", "''")
    article = f"---\ntitle: '{quoted}'\ncategory: '{quoted}'\n---\n{HOSTILE}\n\n# {HOSTILE}\n\n{HOSTILE}\n\n[x](javascript:alert(1))"
    page = site(a=article, b=f"---\ntitle: b alert\n---\n{HOSTILE}\n## {HOSTILE}\n## {HOSTILE}\n## {HOSTILE}").page(
        path
    )
    assert len(page.all("script")) == 2
    assert not page.all("img")
    assert not [key for element in page.elements for key in element if key.startswith("on")]
    assert not [href for href in page.links.values() if "javascript" in href.split(":")[0]]
    assert "49" not in page.main
    assert "<script>alert(1)</script>" in page.main


def test_the_language_of_an_article_is_told(site):
    page = site(a="---\ntitle: Rückgabe\nlocale: de\n---\nInnerhalb von 14 Tagen.\n").page("/help/a")
    assert page.all("article", lang="de")


def test_no_heading_takes_the_place_of_the_page_s_own_parts(site):
    page = site(a="# A\n\n## Content\n\n## Main\n\n## Related {#related}\n\n## ~Content!\n").page("/help/a")
    (skip,) = page.all("a", **{"class": "skip"})
    assert [element["tag"] for element in page.elements if element.get("id") == skip["href"][1:]] == ["main"]
    assert page.ids == ["~content", "a", "content", "main", "related", "content-1"]


@pytest.mark.parametrize("path", ["/help", "/help?q=money", "/help/refunds", "/help/missing"])
def test_every_page_brings_the_chat_and_is_locked_down(shop, path):
    response = shop.get(path)
    page = Page(response)
    assert page.all("script", src="/widget.js", defer=None)
    loaded = [script["src"] for script in page.all("script")] + [link["href"] for link in page.all("link")]
    assert all(address.startswith("/") and not address.startswith("//") for address in loaded)
    assert not page.all("style")
    assert not [element for element in page.elements if "style" in element]
    assert response.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "same-origin"
    assert response.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/help", "/help?q=money", "/help/refunds"])
@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}'])
def test_a_page_is_sent_again_only_when_an_article_has_changed(shop, path, known):
    first = shop.get(path)
    headers = {"If-None-Match": known.format(first.headers["etag"])}
    again = shop.get(path, headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
    (shop.folder / "refunds.md").write_text(REFUNDS.replace("five days", "six days"), "utf-8")
    shop.build()
    changed = shop.get(path, headers=headers)
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


def test_an_edit_is_seen_at_once(shop):
    assert "five days" in shop.page("/help/refunds").main
    (shop.folder / "refunds.md").write_text(REFUNDS.replace("five days", "six days"), "utf-8")
    (shop.folder / "parcels.md").unlink()
    shop.build()
    page = shop.page("/help/refunds")
    assert "six days" in page.main
    assert "parcels" not in page.links
    assert shop.get("/help/parcels").status_code == 404


def test_style_and_script_may_be_kept_for_ever(shop):
    page = shop.page("/help")
    (style,) = page.all("link", rel="stylesheet")
    script = page.all("script")[1]
    for address, kind in [(style["href"], "text/css"), (script["src"], "text/javascript")]:
        response = shop.get(address)
        assert response.status_code == 200
        assert response.headers["content-type"] == f"{kind}; charset=utf-8"
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(("path", "status"), [("/help", 200), ("/help/refunds", 200), ("/help/missing", 404)])
def test_head_is_answered_like_get_without_a_body(shop, path, status):
    response = shop.client.head(path)
    assert (response.status_code, response.content) == (status, b"")
    assert response.headers.get("etag") == shop.get(path).headers.get("etag")


def test_an_overrun_encoder_costs_a_search_but_no_article(shop):
    async def busy(text):
        raise EncoderBusy(1024)

    overrun = Site(shop.folder, encode=busy)
    search = overrun.get("/help?q=money")
    assert (search.status_code, search.headers["retry-after"]) == (503, "5")
    assert "etag" not in search.headers
    assert "search again" in Page(search).main
    assert "Within five days" in overrun.page("/help/refunds").main


def test_another_site_reads_its_own_articles(guarded):
    other = Site(guarded.folder, audience=Audience("other"))
    assert other.get("/help/elsewhere").status_code == 200
    assert other.get("/help/internal").status_code == 404
