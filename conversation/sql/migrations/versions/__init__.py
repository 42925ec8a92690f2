"""One module a revision; those that have been released never change."""
