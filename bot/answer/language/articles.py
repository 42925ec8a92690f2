"""Articles and readers of several languages."""

from dataclasses import replace

from bot.answer.language.identification import identify_language
from retrieval.articles import Article, Audience
from retrieval.index import Snapshot


def readers(audience: Audience, language: str | None, snapshot: Snapshot) -> Audience:
    """The audience of the language that the visitor writes, where there are articles in it; else that of the page."""
    writing = replace(audience, locale=language)
    return writing if snapshot.speaks_to(writing) else audience


def written_in(article: Article) -> str | None:
    """The tag of the language of an article: what it says itself, else that of its text; None where that is not plain."""
    return article.locale or identify_language(article.body)
