"""Evaluation: predictions, metrics with bootstrap intervals, robustness, slices, report. No torch."""
