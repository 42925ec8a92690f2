"""The HTTP and WebSocket server: application, socket endpoint, workers and their supervisor, doctor."""

from bot.server.doctor import Finding, diagnose
from bot.server.serve import run_server, take_port
from bot.server.supervisor import supervise

__all__ = [
    "Finding",
    "diagnose",
    "run_server",
    "supervise",
    "take_port",
]
