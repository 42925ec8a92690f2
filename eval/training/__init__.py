"""What learns the shipped parameters, each a script: `python -m eval.training.ranker`."""
