"""Predictions for tests: a short list to count by hand, and long random ones."""

from dataclasses import replace

import numpy as np

from veraface.decision import Thresholds
from veraface.evaluation.predict import Prediction
from veraface.results import Verdict

R, U, F, N = Verdict.REAL, Verdict.UNCERTAIN, Verdict.FAKE, Verdict.NO_FACE
THRESHOLDS = Thresholds(real=0.2, fake=0.8)


def prediction(
    name: str, fake: bool, verdict: Verdict | None, p_fake: float | None, source: str = "web"
) -> Prediction:
    """An image that is a group of its own."""
    return Prediction(name, fake, source, name, verdict, p_fake, "" if verdict else "broken")


SHORT = [
    prediction("r1", False, R, 0.1),
    prediction("r2", False, R, 0.2),
    prediction("r3", False, U, 0.5),
    prediction("r4", False, F, 0.8),
    prediction("f1", True, R, 0.2),
    prediction("f2", True, U, 0.5),
    prediction("f3", True, F, 0.9),
    prediction("none", True, N, None),
    prediction("small", True, U, None),
    prediction("lost", False, None, None),
]


def many(
    count: int, *, sources: int = 4, per_group: int = 1, seed: int = 0, spread: float = 1.2
) -> list[Prediction]:
    """Random predictions; the first half of the sources has both classes, the others alternate."""
    random = np.random.default_rng(seed)
    images = []
    for i in range(count):
        group = i // per_group
        source = group % sources
        fake = bool(group // sources % 2) if source < sources / 2 else bool(source % 2)
        p_fake = float(1 / (1 + np.exp(-random.normal(3 * fake - 1.5, spread))))
        size = float(random.uniform(41, 400))
        image = prediction(f"{i}.png", fake, THRESHOLDS.decide(p_fake), p_fake, f"source {source}")
        image = replace(image, group=f"g{group}", box=(0.0, 0.0, size, size), face_size=size)
        if fake:
            image = replace(image, generator=f"generator {source}")
        if random.random() < 0.02:
            image = replace(image, verdict=N, p_fake=None, box=None, face_size=None)
        images.append(image)
    return images
