"""The agents' HTTP API and its problem documents."""

from handoff.api.endpoints import Suggestion, router
from handoff.api.problems import install_problem_handlers

__all__ = ["Suggestion", "install_problem_handlers", "router"]
