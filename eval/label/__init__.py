"""Labelled questions from what visitors said of replies."""
