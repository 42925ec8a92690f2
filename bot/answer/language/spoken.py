"""In which language a visitor is answered: theirs, as soon as it is plain, else that of the page."""

from collections.abc import Iterator, Sequence

from bot.answer.language.identification import identify_language, primary
from bot.answer.transcript import Said


def spoken_language(said: Sequence[Said], locale: str | None) -> str | None:
    """The tag of the language of the last message of the visitor that is plainly in one, else `locale`.

    So a short message changes nothing, nor does a button, whose words are not the visitor's. `locale` stands where it
    is of that language: it may name the country too.
    """
    language = next(filter(None, map(identify_language, _own_words(said))), None)
    if language is None or (locale is not None and primary(locale) == language):
        return locale
    return language


def _own_words(said: Sequence[Said]) -> Iterator[str]:
    """What the visitor wrote, the last first."""
    for index in range(len(said) - 1, -1, -1):
        labels = [choice.label for choice in said[index - 1].choices] if index else []
        if said[index].role == "visitor" and said[index].text not in labels:
            yield said[index].text
