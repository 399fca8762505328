"""Robustness: degradations, and changes of metrics and verdicts."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.evaluation.sample_predictions import F, N, R, U, many, prediction
from tests.sample_images import difference, noise, portrait
from veraface.datasets.manifest import Sample
from veraface.evaluation.aggregate import compute_metrics
from veraface.evaluation.bootstrap import BootstrapSamples
from veraface.evaluation.robustness import (
    CURVES,
    TIERS,
    Curve,
    auc_lost,
    changes,
    choose_images,
    step_metrics,
    tier_rows,
)
from veraface.imaging.decode import recompress


def degrade(name: str, image: Image.Image, seed: int = 0) -> Image.Image:
    steps = {d.name: d for curve in CURVES for _, d in curve.steps()} | {t.name: t for t in TIERS}
    return steps[name].apply(image, np.random.default_rng(seed))


@pytest.mark.parametrize(("name", "longest", "quality"), [("web", 768, 60), ("hard", 512, 40)])
def test_tiers_shrink_and_recompress(name: str, longest: int, quality: int) -> None:
    sent = degrade(name, portrait(1000).crop((0, 0, 1000, 500)))
    assert sent.size == (longest, longest // 2)
    small = portrait(400)
    assert difference(degrade(name, small), recompress(small, quality)) == 0, "nothing is enlarged"


def test_curves_have_their_strengths() -> None:
    strengths = {curve.name: curve.strengths for curve in CURVES}
    assert strengths == {
        "JPEG": (90, 75, 60, 45, 30),
        "WebP": (80, 50),
        "blur": (0.5, 1, 1.5, 2, 3),
        "noise": (0.01, 0.03, 0.05, 0.1),
        "downscale": (0.75, 0.5, 0.35, 0.25),
        "brightness": (0.6, 0.8, 1.2, 1.4),
        "contrast": (0.6, 0.8, 1.2, 1.4),
    }


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_stronger_degradations_change_more(curve: Curve) -> None:
    image = portrait(256)
    found = [
        difference(d.apply(image, np.random.default_rng(0)).resize(image.size), image)
        for _, d in curve.steps()
    ]
    if found[0] > found[1]:  # brightness and contrast go down to 1 and up again
        found = [found[1], found[0]] if len(found) == 2 else [*found[1::-1], *found[2:]]
        assert found[0] < found[1]
        assert found[2] < found[3]
    else:
        assert found == sorted(found)
    assert found[0] > 0


def test_noise_repeats_with_its_seed() -> None:
    image = noise(40, 40)
    assert degrade("noise 0.05", image, 1) == degrade("noise 0.05", image, 1)
    assert degrade("noise 0.05", image, 1) != degrade("noise 0.05", image, 2)


CLEAN = [R, R, F, F, U, U, N, R, F, R]
LATER = [R, F, R, F, R, U, R, N, U, R]


def test_changes_counted_by_hand() -> None:
    """Eight are classified in both: a flip each way, two from or to uncertain, four unchanged."""
    clean = [prediction(str(i), i % 2 == 0, v, None if v is N else 0.5) for i, v in enumerate(CLEAN)]
    later = [prediction(str(i), i % 2 == 0, v, None if v is N else 0.5) for i, v in enumerate(LATER)]
    found = changes(clean, later, BootstrapSamples(p.group for p in clean))
    intervals = found.pop("intervals")
    assert found == {
        "pictures": 8,
        "flipped": 2 / 8,
        "fake_to_real": 1 / 8,
        "real_to_fake": 1 / 8,
        "flipped_of_decided": 0.4,  # of five that are decided in both
        "changed": 4 / 8,
        "lost": 0.1111,  # one of nine that were classified before
    }
    assert all(low <= found[name] <= high for name, (low, high) in intervals.items())


def test_auc_loss_is_the_difference_with_a_paired_interval() -> None:
    """A constant shift of all scores loses nothing, in no draw; an independent one has a wide interval."""
    clean = many(300)
    bootstrap = BootstrapSamples(p.group for p in clean)
    shifted = [replace(p, p_fake=None if p.p_fake is None else p.p_fake / 2) for p in clean]
    assert auc_lost(clean, shifted, bootstrap) == {"value": 0.0, "interval": [0.0, 0.0]}
    other = many(300, seed=1, spread=3)
    lost = auc_lost(clean, other, bootstrap)
    assert lost["value"] == pytest.approx(
        compute_metrics(clean)["auc"] - compute_metrics(other)["auc"], abs=1e-4
    )
    assert lost["interval"][0] < lost["value"] < lost["interval"][1]


def test_a_row_for_each_tier() -> None:
    clean = many(80)
    rows = tier_rows(
        clean, {"web": many(80, seed=1), "hard": many(80, seed=2)}, BootstrapSamples(p.group for p in clean)
    )
    assert [row["tier"] for row in rows] == ["clean", "web", "hard"]
    assert "changes" not in rows[0]
    assert [row["source"] for row in rows[1]["rows"]] == [f"source {i}" for i in range(4)]


def samples(counts: dict[tuple[str, bool], int]) -> list[Sample]:
    return [
        Sample(Path(f"{source}{fake}{i}"), fake, source, f"{source}{fake}{i}", "test")
        for (source, fake), count in counts.items()
        for i in range(count)
    ]


def test_curve_images_are_balanced() -> None:
    have = samples({("a", False): 100, ("b", False): 4, ("c", True): 90, ("d", True): 80})
    chosen = choose_images(have, 40)
    assert len(set(chosen)) == 40
    assert Counter((have[i].source, have[i].fake) for i in chosen) == {
        ("a", False): 16,
        ("b", False): 4,
        ("c", True): 10,
        ("d", True): 10,
    }
    assert chosen == choose_images(have, 40)
    assert len(choose_images(have, 10_000)) == len(have)
    assert choose_images(have, 0) == []
    assert choose_images(samples({("a", False): 3}), 10) == [0, 1, 2]


def test_a_step_holds_what_a_curve_shows() -> None:
    step = step_metrics(many(60), BootstrapSamples(p.group for p in many(60)))
    assert set(step) == {
        "auc",
        "reals_called_fake",
        "fakes_called_fake",
        "share_uncertain",
        "not_judged",
        "intervals",
    }
