"""The event loop of commands."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import uvloop

Result = TypeVar("Result")


def run_on_uvloop(work: Coroutine[object, object, Result]) -> Result:
    """Run on uvloop, which serves sockets faster than asyncio's own loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
