"""Offline evaluation through the same code as live traffic."""
