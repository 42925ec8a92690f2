"""Which of the articles below the bot's last reply a message chooses in its own words: a lexicon of places, and names."""

from bot.answer.intent.choosing.choice import chosen_by_name, chosen_by_place

__all__ = ["chosen_by_name", "chosen_by_place"]
