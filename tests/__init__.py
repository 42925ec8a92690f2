"""Imported before any test: each process of the tests multiplies matrices with one thread."""

import os

# Processes beside each other want the same cores, and OpenBLAS's threads wait for theirs by spinning: ten times the work.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
