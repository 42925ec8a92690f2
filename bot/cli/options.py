"""Command-line options that several commands take, and the settings that come of them."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from bot.settings import Settings, load_settings


def add_settings(parser: ArgumentParser) -> None:
    """The settings that most commands take; they win over HANDRAIL_* and handrail.toml."""
    parser.add_argument("--kb", type=Path, metavar="DIR", help="folder of the articles (default kb_articles)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of database, index and model (default var)")
    parser.add_argument("--model", help="embedding model: a name or a path (default all-MiniLM-L6-v2)")


def add_data(parser: ArgumentParser) -> None:
    """The option for the folder of the database."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the database (default var)")


def settings_of(args: Namespace) -> Settings:
    """The settings with what the command line chose. Raises SettingsError."""
    chosen = {name: getattr(args, name, None) for name in ("kb", "data", "model", "host", "port", "workers")}
    return load_settings(**chosen)
