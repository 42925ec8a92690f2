"""Calibration of confidence on a company's own labelled questions."""

from eval.calibrate.custom_calibration import OneSided, TooFewQuestions

__all__ = ["OneSided", "TooFewQuestions"]
