"""Audience: access control by site, locale and visibility, for whom a search is made."""

from dataclasses import dataclass

from retrieval.articles.article import Article


@dataclass(frozen=True, slots=True)
class Audience:
    """An audience, for whom a search is made: the site they are on, their language if known, and whether they work here."""

    site_id: str
    locale: str | None = None
    internal: bool = False

    def admits(self, article: Article) -> bool:
        """Whether this reader may know of the article; drafts are for nobody."""
        return (
            not article.draft
            and (self.internal or article.visibility == "public")
            and (not article.sites or self.site_id in article.sites)
            and (self.locale is None or article.locale is None or _language(self.locale) == _language(article.locale))
        )


def _language(locale: str) -> str:
    """The primary language: `pt` of `pt-BR`, so that both read what either wrote."""
    return locale.replace("_", "-").split("-", 1)[0].lower()
