"""Language: in which one a visitor writes, and thus wants to be answered."""

from bot.answer.language.articles import readers, written_in
from bot.answer.language.identification import identify_language, languages
from bot.answer.language.spoken import spoken_language

__all__ = ["identify_language", "languages", "readers", "spoken_language", "written_in"]
