"""Error rates by kind of attack, as ISO/IEC 30107-3 reports them.

APCER, attack presentation classification error rate: the share of the fakes of one kind that are missed.
BPCER, bona fide presentation classification error rate: the share of reals taken for fakes. Both are of the
classified images; the shares that were not are reported beside them (APNRR and BPNRR of the standard).
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from veraface.evaluation.binomial import clopper_pearson
from veraface.evaluation.predict import Prediction, grouped
from veraface.models.reliability import FACE_BANDS
from veraface.results import Verdict

MIN_ATTACKS = 20  # images of a kind from which on it can be the worst one
BPCER_POINTS = (0.01, 0.05)  # fixed operating points, as shares of reals
APCER_POINTS = (0.1, 0.05)  # BPCER10 and BPCER20 of the standard

Detected = Callable[[Prediction], bool]
Row = dict[str, Any]


def rate(errors: Iterable[bool]) -> Row:
    """Return errors and images, their ratio ("value") and its 95% Clopper-Pearson interval."""
    flags = [bool(error) for error in errors]
    if not flags:
        return {"errors": 0, "images": 0, "value": None, "interval": None}
    interval = [round(float(end), 4) for end in clopper_pearson(sum(flags), len(flags))]
    value = round(sum(flags) / len(flags), 4)
    return {"errors": sum(flags), "images": len(flags), "value": value, "interval": interval}


def attack_report(predictions: Sequence[Prediction]) -> Row | None:
    """Return the error rates at every operating point, by kind of attack; None without reals or fakes.

    `points` has for each point its BPCER, the kinds with their APCER, worst first, and as `apcer` the worst
    kind's, of those with at least 20 images. `bpcer_at_apcer` has the BPCER of the threshold at which no kind
    has an APCER above a limit. `by_face_size` has the same in each band of face sizes.
    """
    classified = [p for p in predictions if p.p_fake is not None]
    if len({p.fake for p in classified}) < 2:
        return None
    rules = _rules([p.p_fake or 0.0 for p in classified if not p.fake])
    sizes = grouped(classified, lambda p: p.face_band)
    return {
        "standard": "ISO/IEC 30107-3",
        "min_attacks": MIN_ATTACKS,
        "points": [_point(name, about, rule, classified) for name, (about, rule) in rules.items()],
        "bpcer_at_apcer": [_bpcer_at(limit, classified) for limit in APCER_POINTS],
        "not_classified": _not_classified(predictions),
        "by_face_size": [
            {
                "face_size": band,
                "points": [_short(_point(name, "", rule, own)) for name, (_, rule) in rules.items()],
            }
            for band in FACE_BANDS
            if (own := sizes.get(band))
        ],
    }


def _rules(reals: Sequence[float]) -> dict[str, tuple[str, Detected]]:
    """Return by name the operating points: what they are, and whether an image counts as an attack."""
    rules: dict[str, tuple[str, Detected]] = {
        "fake": ("the verdict is fake", lambda p: p.verdict == Verdict.FAKE),
        "not real": ("the verdict is fake or uncertain", lambda p: p.verdict != Verdict.REAL),
    }
    for limit in BPCER_POINTS:
        threshold = _threshold(reals, limit)
        about = f"p_fake is above {threshold:.4f}, as that of at most {limit:.0%} of the reals is"
        rules[f"BPCER {limit:.0%}"] = (about, partial(_is_above, threshold))
    return rules


def _is_above(threshold: float, prediction: Prediction) -> bool:
    return (prediction.p_fake or 0.0) > threshold


def _threshold(reals: Sequence[float], limit: float) -> float:
    """Return the lowest p_fake that at most this share of the reals is above."""
    falling = sorted(reals, reverse=True)
    return falling[int(limit * len(falling))]


def _point(name: str, about: str, detected: Detected, classified: Sequence[Prediction]) -> Row:
    kinds = [
        {"kind": kind, **rate(not detected(p) for p in own)} for kind, own in _by_kind(classified).items()
    ]
    kinds.sort(key=lambda row: (-row["value"], -row["images"]))
    worst = next((row for row in kinds if row["images"] >= MIN_ATTACKS), None)
    return {
        "name": name,
        "detected_if": about,
        "bpcer": rate(detected(p) for p in classified if not p.fake),
        "apcer": worst,
        "kinds": kinds,
    }


def _short(point: Row) -> Row:
    return {name: point[name] for name in ("name", "bpcer", "apcer")}


def _by_kind(predictions: Iterable[Prediction]) -> dict[str, list[Prediction]]:
    return grouped(predictions, lambda p: p.attack if p.fake else None)


def _bpcer_at(limit: float, classified: Sequence[Prediction]) -> Row:
    """Return the BPCER at the highest threshold at which the APCER of every large kind is within a limit."""
    thresholds = {
        kind: sorted(p.p_fake or 0.0 for p in own)[int(limit * len(own))]
        for kind, own in _by_kind(classified).items()
        if len(own) >= MIN_ATTACKS
    }
    if not thresholds:
        return {"apcer": limit, "kind": None, "bpcer": rate(())}
    kind = min(thresholds, key=lambda kind: thresholds[kind])
    bpcer = rate((p.p_fake or 0.0) >= thresholds[kind] for p in classified if not p.fake)
    return {"apcer": limit, "kind": kind, "bpcer": bpcer}


def _not_classified(predictions: Sequence[Prediction]) -> Row:
    """Return the shares of images in which no face was classified: BPNRR of the reals, APNRR of each kind."""
    kinds = {kind: rate(p.p_fake is None for p in own) for kind, own in _by_kind(predictions).items()}
    return {"reals": rate(p.p_fake is None for p in predictions if not p.fake), "kinds": kinds}
