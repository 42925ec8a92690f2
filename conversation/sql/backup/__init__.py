"""Backup and restore of a database: copies made while others write to it, checked, and put back."""
