"""Copies of a database: made while others write to it, checked, and put back."""
