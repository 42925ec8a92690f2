"""The store in a database: SQLite here; the statements are plain SQLAlchemy Core and know no driver."""
