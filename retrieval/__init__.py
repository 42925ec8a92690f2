"""Finding passages: articles, embedding model, index, search."""
