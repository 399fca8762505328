"""Training: network, trainer, export, calibration, cross-validation. Only this package imports torch."""
