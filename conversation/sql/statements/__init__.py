"""The SQL statements, on any SQLAlchemy connection."""
