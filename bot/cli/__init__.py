"""The commands `serve`, `ask`, `doctor`, `export`, `erase`, `backup` and `restore`."""
