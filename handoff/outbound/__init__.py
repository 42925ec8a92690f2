"""Notices to the outside: the outbox dispatcher, webhooks, mail."""
