"""What learns the shipped parameters, each a script: `python -m eval.training.ranker`, then `python -m eval.training.confidence`.

Learning is deterministic: it draws no random numbers. Both name the labelled sets that are missing, with where each comes
from and under which licence (`datasets`); `--check` of the first compares with what is shipped.
"""
