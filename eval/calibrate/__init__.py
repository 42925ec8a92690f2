"""Calibration of confidence on a company's own labelled questions."""

from eval.calibrate.custom_calibration import LEAST, OneSided, TooFewQuestions

__all__ = ["LEAST", "OneSided", "TooFewQuestions"]
