"""`handrail agent`: the desk's accounts, in the database of the settings."""

from argparse import ArgumentParser

from bot.assembly.storage import open_store
from bot.settings import load_settings
from handoff.accounts import commands


def add_arguments(parser: ArgumentParser) -> None:
    """The sub-commands; each leaves its handler in `run`."""
    commands.add_arguments(parser, lambda data: open_store(load_settings(data=data)))
