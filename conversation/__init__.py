"""Event-sourced conversations, append-only lists of events: vocabulary, state, store, bus, safe text."""
