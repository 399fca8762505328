"""Networks and their use: face detectors, classifiers, the crop, test-time augmentation, the registry."""
