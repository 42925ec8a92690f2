"""Runs the revisions on the connection that `conversation.sql.schema` hands in, inside its transaction."""

from alembic import context

from conversation.sql.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
