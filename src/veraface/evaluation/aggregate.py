"""Rows of figures: what is said of a set of judged images, overall and by what they have in common."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veraface.evaluation import metrics
from veraface.evaluation.bootstrap import MIN_GROUPS, BootstrapSamples
from veraface.evaluation.metrics import Flags, RocCurve, Values, share
from veraface.evaluation.predict import Judged
from veraface.results import Verdict

# By the judged face's longer side in px: below 60 little but the outline is left, below 128 the crop has to
# be enlarged for a model of 160 px or more; None is open.
FACE_SIZES: tuple[tuple[float, float | None], ...] = ((0, 60), (60, 80), (80, 128), (128, 256), (256, None))
ALLOWED_FALSE_ALARMS = 0.05
RANKING = ("auc", "recall_at_5_percent", "equal_error_rate", "average_precision", "auc_by_group")

Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """Judged images as arrays of one length."""

    fake: Flags
    p_fake: Values  # NaN where there is none
    verdict: NDArray[np.str_]  # "error" where there is none
    group: NDArray[np.intp]  # column in the draws

    @classmethod
    def of(cls, images: Sequence[Judged], draws: BootstrapSamples) -> "Table":
        """From a list."""
        return cls(
            fake=np.array([p.fake for p in images], bool),
            p_fake=np.array([np.nan if p.p_fake is None else p.p_fake for p in images], np.float64),
            verdict=np.array([verdict_name(p) for p in images], np.str_),
            group=draws.index([p.group for p in images]),
        )

    def __len__(self) -> int:
        return len(self.fake)

    @property
    def judged(self) -> Flags:
        """Which images have a p_fake."""
        return ~np.isnan(self.p_fake)

    def where(self, flags: Flags) -> "Table":
        """Only these images."""
        return Table(self.fake[flags], self.p_fake[flags], self.verdict[flags], self.group[flags])

    def by_group(self) -> "Table":
        """One image a group and label, with the mean of their p_fake; unjudged ones are left out."""
        own = self.where(self.judged)
        pairs, member = np.unique(np.stack([own.group, own.fake]), axis=1, return_inverse=True)
        member = member.reshape(-1)
        mean = np.bincount(member, own.p_fake) / np.bincount(member) if len(own) else own.p_fake
        return Table(pairs[1].astype(bool), mean, np.full(len(mean), ""), pairs[0].astype(np.intp))


def verdict_name(image: Judged) -> str:
    """The verdict, or "error"."""
    return "error" if image.verdict is None else image.verdict.value


def figures(
    images: Sequence[Judged], draws: BootstrapSamples | None = None, *, against: Sequence[Judged] = ()
) -> dict[str, Any]:
    """All figures of a set of judged images, with intervals.

    Args:
        images: of one class or both.
        draws: to draw the intervals from; made from the images' groups if None.
        against: images of the other class, against which those of a one-class set are ranked.

    Returns:
        Counts; figures by name, None where they have no meaning; and "intervals", [low, high] by the same
        names. docs/evaluation.md has each in a line.
    """
    draws = draws or BootstrapSamples(p.group for p in [*images, *against])
    own, other = Table.of(images, draws), Table.of(against, draws)
    values, intervals = draws.measure(_compute(own, other))
    ranked = rankable(own, other)
    taken_over = {name: among for name, (_, among) in _shares(own).items()}
    for name in intervals:
        if name in RANKING:  # of each class: with one real, the intervals would say that it stands for all
            enough = min(groups_of(ranked, ranked.fake), groups_of(ranked, ~ranked.fake))
        else:
            enough = groups_of(own, taken_over.get(name, own.judged))
        if enough < MIN_GROUPS:
            intervals[name] = None
    return {**counts(own), **values, "intervals": intervals}


def groups_of(table: Table, chosen: Flags) -> int:
    """How many groups the chosen images come from."""
    return len(np.unique(table.group[chosen]))


def counts(table: Table) -> dict[str, int]:
    """How many images there are, and how many of them were not judged for what reason."""
    unjudged = ~table.judged
    return {
        "real": int((~table.fake).sum()),
        "fake": int(table.fake.sum()),
        "groups": len(np.unique(table.group)),
        "uncertain": int((table.judged & (table.verdict == Verdict.UNCERTAIN)).sum()),
        "not_judged": int(unjudged.sum()),
        "no_face": int((table.verdict == Verdict.NO_FACE).sum()),
        "too_small": int((unjudged & (table.verdict == Verdict.UNCERTAIN)).sum()),
        "errors": int((table.verdict == "error").sum()),
    }


def rankable(own: Table, other: Table | None = None) -> Table:
    """The judged images; those of a one-class table with those of `other`."""
    both = own if other is None or len(set(own.fake[own.judged])) != 1 else _joined(own, other)
    return both.where(both.judged)


def ranking_figures(own: Table, other: Table | None = None) -> Callable[[Values], dict[str, Values]]:
    """AUC and its like, for `BootstrapSamples.measure`; of a one-class table against `other`."""
    both = rankable(own, other)
    clips = both.by_group()

    def compute(groups: Values) -> dict[str, Values]:
        ranking = RocCurve(both.fake, both.p_fake, groups[:, both.group])
        return {
            "auc": ranking.area(),
            "recall_at_5_percent": ranking.recall_at(ALLOWED_FALSE_ALARMS),
            "equal_error_rate": ranking.equal_error_rate(),
            "average_precision": ranking.average_precision(),
            "auc_by_group": RocCurve(clips.fake, clips.p_fake, groups[:, clips.group]).area(),
        }

    return compute


def _shares(table: Table) -> dict[str, tuple[Flags, Flags]]:
    """By figure the images that are counted, and those among which they are."""
    judged, every = table.judged, np.ones(len(table), bool)
    real, fake = judged & ~table.fake, judged & table.fake
    says = {verdict: table.verdict == verdict for verdict in (*(v.value for v in Verdict), "error")}
    decided = says["fake"] | says["real"]
    right = says["fake"] == table.fake  # called fake or not; "uncertain" is not called fake
    return {
        "accuracy": (right, judged),
        "reals_called_fake": (says["fake"], real),
        "fakes_called_fake": (says["fake"], fake),
        "reals_uncertain": (says["uncertain"], real),
        "fakes_uncertain": (says["uncertain"], fake),
        "fakes_called_real": (says["real"], fake),
        "reals_covered": (~says["fake"], real),
        "fakes_covered": (~says["real"], fake),
        "accuracy_decided": (right, judged & decided),
        "reals_called_fake_decided": (says["fake"], real & decided),
        "fakes_called_fake_decided": (says["fake"], fake & decided),
        "share_uncertain": (says["uncertain"], judged),
        "share_no_face": (says["no_face"], every),
        "share_errors": (says["error"], every),
    }


def verdict_figures(table: Table) -> Callable[[Values], dict[str, Values]]:
    """Return the shares of verdicts among the classified images, for `BootstrapSamples.measure`."""
    shares = _shares(table)

    def compute(groups: Values) -> dict[str, Values]:
        weights = groups[:, table.group]
        return {name: share(chosen, among, weights) for name, (chosen, among) in shares.items()}

    return compute


def calibration_figures(table: Table) -> Callable[[Values], dict[str, Values]]:
    """Calibration errors and Brier score, for `BootstrapSamples.measure`; none for a one-class table."""
    table = table.where(table.judged)
    both = len(set(table.fake)) == 2
    adaptive = metrics.equal_mass_edges(table.p_fake) if both else metrics.equal_width_edges()

    def compute(groups: Values) -> dict[str, Values]:
        if not both:  # how far p_fake is off one class alone says nothing of its calibration
            nothing = np.full(len(groups), np.nan)
            return dict.fromkeys(("calibration_error", "calibration_error_adaptive", "brier"), nothing)
        each = table.fake, table.p_fake, groups[:, table.group]
        return {
            "calibration_error": metrics.calibration_error(*each, metrics.equal_width_edges()),
            "calibration_error_adaptive": metrics.calibration_error(*each, adaptive),
            "brier": metrics.brier_score(*each),
        }

    return compute


def _compute(own: Table, other: Table) -> Callable[[Values], dict[str, Values]]:
    parts = ranking_figures(own, other), verdict_figures(own), calibration_figures(own)
    one_class = len(set(own.fake[own.judged])) < 2

    def compute(groups: Values) -> dict[str, Values]:
        found = {name: values for part in parts for name, values in part(groups).items()}
        if one_class:  # the mix of classes, which this one hangs on, would be an accident
            found["average_precision"] = np.full(len(groups), np.nan)
        return found

    return compute


def _joined(one: Table, other: Table) -> Table:
    names = ("fake", "p_fake", "verdict", "group")
    return Table(*(np.concatenate([getattr(one, name), getattr(other, name)]) for name in names))


def source_rows(judged: Sequence[Judged], draws: BootstrapSamples, pairs: Iterable[str] = ()) -> list[Row]:
    """Rows of all images, of each source, and of each pair of sources "REAL:FAKE"."""
    rows: list[Row] = [{"source": "all", **figures(judged, draws)}]
    for source in sorted({p.source for p in judged}):
        rows.append({"source": source, **part(judged, draws, [p.source == source for p in judged])})
    for pair in pairs:
        images = [p for p in judged if in_pair(p, pair)]
        rows.append({"source": pair.replace(":", " / "), **figures(images, draws)})
    return rows


def in_pair(image: Judged, pair: str) -> bool:
    """Whether an image is a real of the first or a fake of the second source of "REAL:FAKE"."""
    return image.source == pair.split(":")[image.fake]


def generator_rows(judged: Sequence[Judged], draws: BootstrapSamples) -> list[Row]:
    """A row of each generator that the data name."""
    return [
        {"generator": name, **part(judged, draws, [p.generator == name for p in judged])}
        for name in sorted({p.generator for p in judged if p.generator})
    ]


def face_size_rows(judged: Sequence[Judged], draws: BootstrapSamples) -> list[Row]:
    """A row of each band of face sizes; images in which no face was judged are in none of them."""
    rows: list[Row] = []
    sizes = [-1.0 if p.face_size is None else p.face_size for p in judged]
    for low, high in FACE_SIZES:
        band = (
            f"from {low:g} px" if high is None else f"{low:g} to {high:g} px" if low else f"under {high:g} px"
        )
        within = [low <= size and (high is None or size < high) for size in sizes]
        if any(within):
            rows.append({"face_size": band, **part(judged, draws, within)})
    return rows


def part(judged: Sequence[Judged], draws: BootstrapSamples, chosen: Sequence[bool]) -> dict[str, Any]:
    """Figures of the chosen images; a single class is ranked against all images of the other."""
    own = [p for p, is_chosen in zip(judged, chosen, strict=True) if is_chosen]
    classes = {p.fake for p in own}
    against = [p for p in judged if p.fake not in classes] if len(classes) == 1 else []
    return figures(own, draws, against=against)
