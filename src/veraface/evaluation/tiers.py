"""Robustness: what becomes of the verdicts when images have been through what the web does to them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

from veraface.datasets.degradations import add_noise, blur, rescale
from veraface.datasets.manifest import Sample
from veraface.evaluation.aggregate import Table, figures, ranking_figures, source_rows
from veraface.evaluation.bootstrap import BootstrapSamples
from veraface.evaluation.metrics import Values, share
from veraface.evaluation.predict import CLEAN, Degradation, Judged
from veraface.imaging.decode import recompress
from veraface.results import Verdict


@dataclass(frozen=True)
class Tier:
    """One of the states in which a whole data set is judged."""

    degradation: Degradation
    how: str  # in words

    @property
    def name(self) -> str:
        """As figures and judgements name it."""
        return self.degradation.name


def _sent(longest: int, quality: int, image: Image.Image, _: np.random.Generator) -> Image.Image:
    """What sites and messengers do on upload: shrink, then recompress."""
    factor = longest / max(image.size)
    small = image if factor >= 1 else rescale(image, factor, Image.Resampling.LANCZOS)
    return recompress(small, quality)


TIERS = (
    Tier(Degradation("web", partial(_sent, 768, 60)), "longest side at most 768 px, then JPEG quality 60"),
    Tier(Degradation("hard", partial(_sent, 512, 40)), "longest side at most 512 px, then JPEG quality 40"),
)


@dataclass(frozen=True)
class Curve:
    """One degradation in several strengths, weakest first or in the order of its scale."""

    name: str
    scale: str  # what the strengths are
    strengths: tuple[float, ...]
    apply: Callable[[float, Image.Image, np.random.Generator], Image.Image]

    def steps(self) -> list[tuple[float, Degradation]]:
        """Each strength with its degradation."""
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
    clean: Sequence[Judged], tiers: Mapping[str, Sequence[Judged]], draws: BootstrapSamples
) -> list[dict[str, Any]]:
    """A row of each tier, clean first: all figures, what was lost against clean, and how verdicts changed.

    Args:
        clean: judgements of the untouched images.
        tiers: judgements of the same images in the same order, by the tier's name.
        draws: shared by all, so that a difference has an interval of its own.
    """
    rows = [{"tier": CLEAN, "how": "the files as they are", **figures(clean, draws)}]
    for tier in TIERS:
        if tier.name in tiers:
            judged = tiers[tier.name]
            rows.append(
                {
                    "tier": tier.name,
                    "how": tier.how,
                    **figures(judged, draws),
                    "auc_lost": auc_lost(clean, judged, draws),
                    "changes": changes(clean, judged, draws),
                    "rows": source_rows(judged, draws)[1:],
                }
            )
    return rows


def auc_lost(clean: Sequence[Judged], degraded: Sequence[Judged], draws: BootstrapSamples) -> dict[str, Any]:
    """AUC of the clean images less that of the degraded ones, with an interval from joint draws."""
    before, after = (ranking_figures(Table.of(images, draws)) for images in (clean, degraded))
    values, intervals = draws.measure(lambda w: {"auc_lost": before(w)["auc"] - after(w)["auc"]})
    return {"value": values["auc_lost"], "interval": intervals["auc_lost"]}


def changes(clean: Sequence[Judged], degraded: Sequence[Judged], draws: BootstrapSamples) -> dict[str, Any]:
    """How verdicts changed, as shares of the images that were judged in both states.

    Returns:
        images: how many were judged in both. flipped: fake became real or real fake; fake_to_real and
        real_to_fake are its two parts. flipped_of_decided: the same as a share of the images that were
        called fake or real in both states. changed: the verdict is another in any way. lost: share of the
        images judged clean in which no face was judged any more. "intervals" by the same names.
    """
    one, other = Table.of(clean, draws), Table.of(degraded, draws)
    both = one.judged & other.judged
    to_real = (one.verdict == Verdict.FAKE) & (other.verdict == Verdict.REAL)
    to_fake = (one.verdict == Verdict.REAL) & (other.verdict == Verdict.FAKE)
    open_ = (one.verdict == Verdict.UNCERTAIN) | (other.verdict == Verdict.UNCERTAIN)
    shares = {
        "flipped": (to_real | to_fake, both),
        "fake_to_real": (to_real, both),
        "real_to_fake": (to_fake, both),
        "flipped_of_decided": (to_real | to_fake, both & ~open_),
        "changed": (one.verdict != other.verdict, both),
        "lost": (~other.judged, one.judged),
    }

    def compute(groups: Values) -> dict[str, Values]:
        weights = groups[:, one.group]
        return {name: share(chosen, among, weights) for name, (chosen, among) in shares.items()}

    values, intervals = draws.measure(compute)
    return {"pictures": int(both.sum()), **values, "intervals": intervals}


def draw_pictures(samples: Sequence[Sample], count: int, seed: int = 0) -> list[int]:
    """Indices of images for the curves: half of each class, sources in turn as long as they have any."""
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


def step_figures(judged: Sequence[Judged], draws: BootstrapSamples) -> dict[str, Any]:
    """What a curve shows of one strength."""
    names = ("auc", "reals_called_fake", "fakes_called_fake", "share_uncertain")
    found = figures(judged, draws)
    return {
        **{name: found[name] for name in (*names, "not_judged")},
        "intervals": {name: found["intervals"][name] for name in names},
    }
