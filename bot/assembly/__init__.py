"""The composition root: the only place that picks adapters. Import its modules: who opens a store loads no server."""
