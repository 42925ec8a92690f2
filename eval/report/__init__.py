"""The report of a run: one HTML file."""

from eval.report.render import render_report

__all__ = ["render_report"]
