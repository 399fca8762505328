"""Measure the classifier's time per face by batch size."""

from time import perf_counter

import numpy as np
from tables import table

from veraface.models.registry import load_model
from veraface.models.tta import tta_batch

BATCHES = (1, 2, 4, 8)  # faces


def milliseconds_per_face(runs: int) -> str:
    """Return the table: the fastest of interleaved runs, which other programs disturb least."""
    rows = []
    for threads in (1, 2):
        model = load_model("fast", threads=threads)
        size = model.card.crop.size
        views = len(tta_batch(np.zeros((size, size, 3), np.uint8)))
        generator = np.random.default_rng(0)
        noise = generator.integers(0, 256, (max(BATCHES) * views, size, size, 3), dtype=np.uint8)
        best = dict.fromkeys(BATCHES, float("inf"))
        for _ in range(runs):
            for faces in BATCHES:
                started = perf_counter()
                model.predict(noise[: faces * views])
                best[faces] = min(best[faces], 1000 * (perf_counter() - started) / faces)
        rows.append([threads, *best.values()])
    return table(["threads", *(f"{n} faces per call" for n in BATCHES)], rows)
