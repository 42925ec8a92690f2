"""Metrics in Prometheus' text format; served only to whoever has the token."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from bot.answer import Reply
from bot.answer.reply.language_model import Call
from handoff.outbound.dispatcher import Result

SHARED = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own: the folder in which several processes count together


class Metrics:
    """The metrics of a process, one registry, owned by the assembly."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.replies = Counter("handrail_replies", "Replies of the bot.", ["outcome"], registry=self.registry)
        self.turn_s = Histogram(
            "handrail_turn_seconds",
            "From the lease of a turn to its committed reply.",
            registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        self.llm_calls = Counter(
            "handrail_llm_calls", "Answers that a language model was to word.", ["result"], registry=self.registry
        )
        self.llm_tokens = Counter(
            "handrail_llm_tokens", "Tokens of the language model.", ["direction"], registry=self.registry
        )
        self.llm_s = Histogram(
            "handrail_llm_seconds",
            "From asking the language model to its last word, or to giving it up.",
            registry=self.registry,
            buckets=(0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 6, 7),
        )
        self.notices = Counter(
            "handrail_notices",
            "Attempts to tell others outside of an event.",
            ["target", "result"],
            registry=self.registry,
        )
        self.visitors = Gauge(
            "handrail_visitor_sockets", "Visitor sockets open now.", registry=self.registry, multiprocess_mode="livesum"
        )
        self.articles = Gauge(
            "handrail_articles", "Articles that are served.", registry=self.registry, multiprocess_mode="livemostrecent"
        )

    def text(self) -> bytes:
        """What Prometheus reads: of all workers together, whichever of them is asked."""
        folder = os.environ.get(SHARED)
        if folder is None:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, path=folder)  # type: ignore[no-untyped-call]  # it has no annotations
        return generate_latest(together)

    def observe(self, reply: Reply, took_s: float) -> None:
        """Count one committed reply."""
        self.replies.labels(reply.outcome).inc()
        self.turn_s.observe(took_s)

    def observe_notice(self, target: str, result: Result) -> None:
        """Count one attempt to tell a target outside."""
        self.notices.labels(target, result).inc()

    def observe_call(self, call: Call) -> None:
        """Count one answer that a language model was to word, asked or not."""
        self.llm_calls.labels(call.result).inc()
        self.llm_tokens.labels("input").inc(call.input_tokens)
        self.llm_tokens.labels("output").inc(call.output_tokens)
        if call.took_s:
            self.llm_s.observe(call.took_s)
