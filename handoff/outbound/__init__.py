"""Outbound notifications: the outbox dispatcher, webhooks, mail."""
