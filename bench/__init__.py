"""Measurements of a running server, each a script: `python -m bench.answers`."""
