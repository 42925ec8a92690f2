"""The public help centre: the articles a visitor may read, as plain pages that work without JavaScript."""

from bot.help.pages import routes

__all__ = ["routes"]
