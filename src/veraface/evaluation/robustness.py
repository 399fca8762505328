"""Robustness: how metrics and verdicts change when images are degraded as on the web."""

from collections import Counter
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

_LANCZOS = Image.Resampling.LANCZOS


@dataclass(frozen=True)
class Tier(Degradation):
    """A degradation of the whole data set, with its description."""

    how: str


def _sent(longest: int, quality: int, image: Image.Image, _: np.random.Generator) -> Image.Image:
    """Downscale and recompress, as sites and messengers do on upload."""
    factor = longest / max(image.size)
    small = image if factor >= 1 else rescale(image, factor, _LANCZOS)
    return recompress(small, quality)


TIERS = (
    Tier("web", partial(_sent, 768, 60), "longest side at most 768 px, then JPEG quality 60"),
    Tier("hard", partial(_sent, 512, 40), "longest side at most 512 px, then JPEG quality 40"),
)


@dataclass(frozen=True)
class Curve:
    """A degradation in several strengths."""

    name: str
    scale: str  # quantity and unit of the strengths
    strengths: tuple[float, ...]
    apply: Callable[[float, Image.Image, np.random.Generator], Image.Image]

    def steps(self) -> list[tuple[float, Degradation]]:
        """Return each strength with its degradation."""
        return [(s, Degradation(f"{self.name} {s:g}", partial(self.apply, s))) for s in self.strengths]


_NOISE, _FACTORS = (0.01, 0.03, 0.05, 0.1), (0.6, 0.8, 1.2, 1.4)
CURVES = (
    Curve("JPEG", "quality", (90, 75, 60, 45, 30), lambda s, p, _: recompress(p, int(s))),
    Curve("WebP", "quality", (80, 50), lambda s, p, _: recompress(p, int(s), "WEBP")),
    Curve("blur", "standard deviation, px", (0.5, 1, 1.5, 2, 3), lambda s, p, _: blur(p, s)),
    Curve("noise", "standard deviation, share of full scale", _NOISE, lambda s, p, r: add_noise(p, s, r)),
    Curve("downscale", "factor", (0.75, 0.5, 0.35, 0.25), lambda s, p, _: rescale(p, s, _LANCZOS)),
    Curve("brightness", "factor", _FACTORS, lambda s, p, _: ImageEnhance.Brightness(p).enhance(s)),
    Curve("contrast", "factor", _FACTORS, lambda s, p, _: ImageEnhance.Contrast(p).enhance(s)),
)


def tier_rows(
    clean: Sequence[Prediction], tiers: Mapping[str, Sequence[Prediction]], bootstrap: BootstrapSamples
) -> list[dict[str, Any]]:
    """Return a row of each tier, clean first: all metrics, the loss of AUC, and how verdicts changed.

    The predictions of the tiers, by name, must be of the clean images in the same order. All share the
    bootstrap samples, so that differences have intervals.
    """
    whole = {"tier": CLEAN, "how": "the files as they are", **compute_metrics(clean, bootstrap)}
    return [whole] + [
        {
            "tier": tier.name,
            "how": tier.how,
            **compute_metrics(degraded, bootstrap),
            "auc_lost": auc_lost(clean, degraded, bootstrap),
            "changes": changes(clean, degraded, bootstrap),
            "rows": source_rows(degraded, bootstrap)[1:],
        }
        for tier in TIERS
        if (degraded := tiers.get(tier.name))
    ]


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
    """Compute how verdicts changed, as shares of the images that were classified in both states ("pictures").

    "flipped", fake became real or real fake, has two parts. "flipped_of_decided" is a share of the images
    decided in both states, "lost" one of the clean classified images. "intervals" has the same names.
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


def choose_images(samples: Sequence[Sample], count: int) -> list[int]:
    """Choose images for the curves: half of each class, evenly from the sources as far as they go.

    The indices of the samples are returned in ascending order.
    """
    random = np.random.default_rng(0)
    chosen: list[int] = []
    for fake in (False, True):
        seen: Counter[str] = Counter()
        queue = []
        for i in random.permutation(len(samples))[::-1]:
            if samples[i].fake == fake:
                source = samples[i].source
                seen[source] += 1
                queue.append((seen[source], source, int(i)))  # one of each source, then the second of each
        chosen += [i for _, _, i in sorted(queue)[: count // 2]]
    return sorted(chosen)


def step_metrics(predictions: Sequence[Prediction], bootstrap: BootstrapSamples) -> dict[str, Any]:
    """Compute the metrics of one strength of a curve."""
    names = [metric.name for metric in shown_in(Place.ROBUSTNESS)]
    found = compute_metrics(predictions, bootstrap)
    return {
        **{name: found[name] for name in (*names, "not_judged")},
        "intervals": {name: found["intervals"][name] for name in names},
    }
