"""Robustness: how metrics and verdicts change when images are degraded as on the web."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

from veraface.datasets.degradations import add_noise, blur, rescale
from veraface.datasets.samples import Sample
from veraface.evaluation.aggregate import compute_metrics, source_rows
from veraface.evaluation.arrays import ImageSet, PredictionArrays
from veraface.evaluation.bootstrap import BootstrapSamples, Values
from veraface.evaluation.metrics import Place, evaluator, shown_in
from veraface.evaluation.predict import CLEAN, Degradation, Prediction
from veraface.evaluation.roc import share
from veraface.imaging.decode import recompress
from veraface.results import Verdict


@dataclass(frozen=True)
class Tier:
    """A degradation of the whole data set.

    Attributes:
        degradation: applied to every image.
        how: its description.
    """

    degradation: Degradation
    how: str

    @property
    def name(self) -> str:
        """Name of the degradation."""
        return self.degradation.name


def _sent(longest: int, quality: int, image: Image.Image, _: np.random.Generator) -> Image.Image:
    """Downscale and recompress, as sites and messengers do on upload."""
    factor = longest / max(image.size)
    small = image if factor >= 1 else rescale(image, factor, Image.Resampling.LANCZOS)
    return recompress(small, quality)


TIERS = (
    Tier(Degradation("web", partial(_sent, 768, 60)), "longest side at most 768 px, then JPEG quality 60"),
    Tier(Degradation("hard", partial(_sent, 512, 40)), "longest side at most 512 px, then JPEG quality 40"),
)


@dataclass(frozen=True)
class Curve:
    """A degradation in several strengths.

    Attributes:
        name: of the degradation.
        scale: quantity and unit of the strengths.
        strengths: in ascending or descending order.
        apply: degrades an image with a strength.
    """

    name: str
    scale: str
    strengths: tuple[float, ...]
    apply: Callable[[float, Image.Image, np.random.Generator], Image.Image]

    def steps(self) -> list[tuple[float, Degradation]]:
        """Return each strength with its degradation."""
        return [(s, Degradation(f"{self.name} {s:g}", partial(self.apply, s))) for s in self.strengths]


CURVES = (
    Curve("JPEG", "quality", (90, 75, 60, 45, 30), lambda s, p, _: recompress(p, int(s))),
    Curve("WebP", "quality", (80, 50), lambda s, p, _: recompress(p, int(s), "WEBP")),
    Curve("blur", "standard deviation, px", (0.5, 1, 1.5, 2, 3), lambda s, p, _: blur(p, s)),
    Curve(
        "noise",
        "standard deviation, share of full scale",
        (0.01, 0.03, 0.05, 0.1),
        lambda s, p, r: add_noise(p, s, r),
    ),
    Curve(
        "downscale",
        "factor",
        (0.75, 0.5, 0.35, 0.25),
        lambda s, p, _: rescale(p, s, Image.Resampling.LANCZOS),
    ),
    Curve(
        "brightness", "factor", (0.6, 0.8, 1.2, 1.4), lambda s, p, _: ImageEnhance.Brightness(p).enhance(s)
    ),
    Curve("contrast", "factor", (0.6, 0.8, 1.2, 1.4), lambda s, p, _: ImageEnhance.Contrast(p).enhance(s)),
)


def tier_rows(
    clean: Sequence[Prediction], tiers: Mapping[str, Sequence[Prediction]], bootstrap: BootstrapSamples
) -> list[dict[str, Any]]:
    """Return a row of each tier, clean first: all metrics, the loss of AUC, and how verdicts changed.

    Args:
        clean: predictions of the images as they are.
        tiers: predictions of the same images in the same order, by the tier's name.
        bootstrap: shared by all tiers, so that differences have intervals.
    """
    rows = [{"tier": CLEAN, "how": "the files as they are", **compute_metrics(clean, bootstrap)}]
    for tier in TIERS:
        if tier.name in tiers:
            degraded = tiers[tier.name]
            rows.append(
                {
                    "tier": tier.name,
                    "how": tier.how,
                    **compute_metrics(degraded, bootstrap),
                    "auc_lost": auc_lost(clean, degraded, bootstrap),
                    "changes": changes(clean, degraded, bootstrap),
                    "rows": source_rows(degraded, bootstrap)[1:],
                }
            )
    return rows


def auc_lost(
    clean: Sequence[Prediction], degraded: Sequence[Prediction], bootstrap: BootstrapSamples
) -> dict[str, Any]:
    """Compute the AUC of clean images minus that of degraded ones, with a paired interval."""
    before, after = (
        evaluator(ImageSet(PredictionArrays.of(images, bootstrap)), ["auc"]) for images in (clean, degraded)
    )
    values, intervals = bootstrap.measure(lambda w: {"auc_lost": before(w)["auc"] - after(w)["auc"]})
    return {"value": values["auc_lost"], "interval": intervals["auc_lost"]}


def changes(
    clean: Sequence[Prediction], degraded: Sequence[Prediction], bootstrap: BootstrapSamples
) -> dict[str, Any]:
    """Compute how verdicts changed, as shares of the images that were classified in both states.

    Returns:
        pictures: number of images classified in both. flipped: fake became real or real fake; fake_to_real
        and real_to_fake are its two parts. flipped_of_decided: the same as a share of the images that were
        decided in both states. changed: the verdict differs in any way. lost: share of the clean classified
        images in which no face is classified any more. "intervals" by the same names.
    """
    one, other = PredictionArrays.of(clean, bootstrap), PredictionArrays.of(degraded, bootstrap)
    both = one.classified & other.classified
    to_real = (one.verdict == Verdict.FAKE) & (other.verdict == Verdict.REAL)
    to_fake = (one.verdict == Verdict.REAL) & (other.verdict == Verdict.FAKE)
    uncertain = (one.verdict == Verdict.UNCERTAIN) | (other.verdict == Verdict.UNCERTAIN)
    shares = {
        "flipped": (to_real | to_fake, both),
        "fake_to_real": (to_real, both),
        "real_to_fake": (to_fake, both),
        "flipped_of_decided": (to_real | to_fake, both & ~uncertain),
        "changed": (one.verdict != other.verdict, both),
        "lost": (~other.classified, one.classified),
    }

    def compute(groups: Values) -> dict[str, Values]:
        weights = groups[:, one.group]
        return {name: share(chosen, among, weights) for name, (chosen, among) in shares.items()}

    values, intervals = bootstrap.measure(compute)
    return {"pictures": int(both.sum()), **values, "intervals": intervals}


def choose_images(samples: Sequence[Sample], count: int, seed: int = 0) -> list[int]:
    """Choose images for the curves: half of each class, evenly from the sources as far as they go.

    Returns:
        Indices of the samples, ascending.
    """
    random = np.random.default_rng(seed)
    chosen: list[int] = []
    for fake in (False, True):
        by_source: dict[str, list[int]] = {}
        for i in random.permutation(len(samples)):
            if samples[i].fake == fake:
                by_source.setdefault(samples[i].source, []).append(int(i))
        waiting = [by_source[source] for source in sorted(by_source)]
        wanted = count // 2
        while wanted > 0 and waiting:
            for queue in waiting[:wanted]:
                chosen.append(queue.pop())
            wanted -= min(wanted, len(waiting))
            waiting = [queue for queue in waiting if queue]
    return sorted(chosen)


def step_metrics(predictions: Sequence[Prediction], bootstrap: BootstrapSamples) -> dict[str, Any]:
    """Compute the metrics of one strength of a curve."""
    names = [metric.name for metric in shown_in(Place.ROBUSTNESS)]
    found = compute_metrics(predictions, bootstrap)
    return {
        **{name: found[name] for name in (*names, "not_judged")},
        "intervals": {name: found["intervals"][name] for name in names},
    }
