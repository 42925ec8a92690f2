"""The product: serving visitors, answering them, the help centre, the commands. `assembly` alone picks adapters."""
