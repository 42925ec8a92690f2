"""The HTTP and WebSocket server: application, socket endpoint, workers and their supervisor, doctor."""

from bot.server.doctor import Finding, diagnose
from bot.server.log import configure_logging
from bot.server.serve import PortTaken, run_server, take_port
from bot.server.supervisor import WorkersFailed, supervise

__all__ = [
    "Finding",
    "PortTaken",
    "WorkersFailed",
    "configure_logging",
    "diagnose",
    "run_server",
    "supervise",
    "take_port",
]
