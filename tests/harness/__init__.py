"""Test harness, what tests and benchmarks start: servers, databases, visitors, a language model that speaks the real protocol."""
