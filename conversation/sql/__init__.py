"""The SQL store: SQLite and PostgreSQL behind the same SQLAlchemy Core statements, which know no driver."""
