"""Making a model: data, degradations, network, fit, export, calibration. Only rooms in here import torch."""
