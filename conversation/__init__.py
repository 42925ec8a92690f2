"""Conversations as append-only lists of events: vocabulary, state, store, bus, safe text."""
