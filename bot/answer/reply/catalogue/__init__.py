"""What the bot says of its own accord: a catalogue of phrases for each language, checked when it is loaded."""

from bot.answer.reply.catalogue.catalogue import Catalogue
from bot.answer.reply.catalogue.phrasebook import Phrasebook, default_phrasebook, read_phrasebook

__all__ = ["Catalogue", "Phrasebook", "default_phrasebook", "read_phrasebook"]
