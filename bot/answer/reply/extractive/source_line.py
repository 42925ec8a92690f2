"""The sentence that closes a reply made of an article: where it is from, with a link to the heading."""

import re

from bot.answer.citations import url_of
from bot.answer.reply.extractive.chat_markdown import escaped
from retrieval.search import Hit

_WHOLE = "This is from our article"
_MORE = "You can read on in our article"
SORRY = "I am sorry for the trouble"  # begins what the bot may add below: the offer of a person
_SENTENCE = re.compile(
    rf"(?:\A|\n\n)(?:{_WHOLE}|{_MORE}) \[(?:[^\]\\\n]|\\.){{1,1000}}\]\([^()\s]{{1,2000}}\)\.(?:\n\n{SORRY}\.[^\n]*)?\s*\Z"
)


def sentence(hit: Hit, base_url: str, *, more: bool) -> str:
    """Names article and heading of `hit`; `more` says that the article goes on where the reply ends."""
    return f"{_MORE if more else _WHOLE} [{escaped(label(hit))}]({url_of(hit, base_url)})."


def label(hit: Hit) -> str:
    """`Refunds › When the money arrives`, for the reader."""
    heading = hit.chunk.heading_path[-1] if hit.chunk.heading_path else hit.article.title
    return (
        hit.article.title if heading.casefold() == hit.article.title.casefold() else f"{hit.article.title} › {heading}"
    )


def without_source(reply: str) -> str:
    """`reply` without its closing sentence of source, if it has one, and what the bot offers below it: what it answers."""
    return _SENTENCE.sub("", reply)
