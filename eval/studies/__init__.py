"""Measurements behind decisions, each a script: `python -m eval.studies.frustration`."""
