import pytest

from retrieval.articles.article import parse
from retrieval.articles.audience import Audience


@pytest.mark.parametrize(
    ("fields", "audience", "admitted"),
    [
        ("", Audience("shop"), True),
        ("sites: [shop]", Audience("shop"), True),
        ("sites: [shop]", Audience("bank"), False),
        ("visibility: internal", Audience("shop"), False),
        ("visibility: internal", Audience("shop", internal=True), True),
        ("visibility: internal\nsites: [bank]", Audience("shop", internal=True), False),
        ("draft: true", Audience("shop", internal=True), False),
        ("locale: pt", Audience("shop", "pt-BR"), True),
        ("locale: pt-BR", Audience("shop", "pt"), True),
        ("locale: pt-PT", Audience("shop", "PT_br"), True),
        ("locale: pt", Audience("shop", "en"), False),
        ("locale: pt", Audience("shop"), True),
        ("", Audience("shop", "en"), True),
    ],
)
def test_site_locale_visibility_and_draft_decide(fields, audience, admitted):
    assert audience.admits(parse(f"---\ntitle: a\n{fields}\n---\n", path="a.md")) is admitted
