"""From a score table to a decision: calibration, thresholds and their bounds."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from veraface.decision import Calibration, Thresholds
from veraface.errors import DataError
from veraface.evaluation.bootstrap import Values
from veraface.evaluation.score_table import NetworkScores, ScoreTable
from veraface.files import copy_file, ensure_writable_dir
from veraface.models.card import ModelCard
from veraface.models.classifier import OnnxClassifier, weight_files
from veraface.training.calibration import balance_weights, error_rates, fit_calibration
from veraface.training.group_thresholds import (
    BoundSettings,
    GroupBound,
    ScoredImages,
    fit_group_thresholds,
    measure_bounds,
)


@dataclass(frozen=True)
class DecisionFit:
    """How the logit of a network becomes a verdict.

    Attributes:
        architecture: name of the network in the score table.
        one_view: it does not see the mirror image of a face too.
        settings: targets that the thresholds were fitted for.
        calibration: from logit to p_fake.
        thresholds: bounds of the uncertain band.
        bounds: error rate and confidence bound of each group of sources.
        error_rates: out-of-fold error rates and shares of uncertain, averaged over the sources of a class.
    """

    architecture: str
    one_view: bool
    settings: BoundSettings
    calibration: Calibration
    thresholds: Thresholds
    bounds: tuple[GroupBound, ...] = ()
    error_rates: Mapping[str, float] = field(default_factory=dict)

    def score(self, images: NetworkScores) -> ScoredImages:
        """Return the scores that decide the verdicts of images."""
        views = [self.calibration.probability(logits) for logits in (images.logit, images.recompressed)]
        lowest, highest = np.min(views, axis=0), np.max(views, axis=0)
        return ScoredImages(lowest, highest, images.fake, images.source, images.group)

    def card_fields(self) -> dict[str, Any]:
        """Return the fields of a model card: `replace(card, **fit.card_fields())`."""
        targets = self.settings.targets
        allowed = {"allowed_reals_called_fake": targets.max_fpr, "allowed_fakes_called_real": targets.max_fnr}
        bounds = {
            name: {b.name: b.short() for b in self.bounds if b.fake == fake}
            for name, fake in (("reals_called_fake", False), ("fakes_called_real", True))
        }
        return {
            "calibration": self.calibration,
            "thresholds": self.thresholds,
            "error_rates": allowed | dict(self.error_rates),
            "error_bounds": {"confidence": self.settings.confidence, **bounds},
        }

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy."""
        return asdict(self) | {"bounds": [asdict(b) | {"held": b.held} for b in self.bounds]}


def fit_decision(
    table: ScoreTable,
    settings: BoundSettings | None = None,
    *,
    architecture: str | None = None,
    one_view: bool = False,
) -> DecisionFit:
    """Fit calibration and thresholds to the out-of-fold logits of an architecture.

    The share of uncertain images is limited on the validation split as the final network scores it, or on the
    out-of-fold scores if the table has no final network.

    Args:
        table: logits of the networks of folds, and of the final one.
        settings: targets of the thresholds.
        architecture: name in the table; needed if it has several.
        one_view: the network does not see the mirror image of a face too.

    Raises:
        DataError: the table has another number of architectures, a class has too few images, or the logits
            do not rise with the label.
    """
    settings = settings or BoundSettings()
    names = table.architectures()
    if architecture is None and len(names) != 1:
        raise DataError(f"the score table has the networks {', '.join(names)}; choose one with --network")
    architecture = architecture or names[0]
    if architecture not in names:
        raise DataError(f"the score table has no network {architecture}, only {', '.join(names)}")
    images = NetworkScores.of(table, architecture, final=False, one_view=one_view)
    validation = NetworkScores.of(table, architecture, final=True, one_view=one_view)
    validation = validation.where(table.split[validation.rows] == "val")
    unfitted = DecisionFit(architecture, one_view, settings, Calibration(1, 0), Thresholds(0.5, 0.5))
    fit = refit(unfitted, images, validation)
    scored, weights = fit.score(images), balance_weights(images.fake, images.source)
    called = scored.called_fake(fit.thresholds), scored.called_real(fit.thresholds)
    return replace(
        fit,
        bounds=measure_bounds(scored, fit.thresholds, settings),
        error_rates=error_rates(*called, images.fake, weights),  # averaged over the sources of a class
    )


def refit(fit: DecisionFit, images: NetworkScores, validation: NetworkScores) -> DecisionFit:
    """Fit calibration and thresholds again, for a share of uncertain images of `validation`, if any."""
    weights = balance_weights(images.fake, images.source)
    fit = replace(fit, calibration=fit_calibration(images.logit, images.fake, weights))
    budget = fit.score(validation) if len(validation) else None
    return replace(fit, thresholds=fit_group_thresholds(fit.score(images), fit.settings, budget))


def cross_fitted(images: NetworkScores) -> Values:
    """Return p_fake of each image, with a calibration fitted to all sources but its own.

    NaN where these have too few images of a class.
    """
    p_fake = np.full(len(images), np.nan)
    for source in np.unique(images.source):
        own, others = images.source == source, images.where(images.source != source)
        with suppress(DataError):
            weights = balance_weights(others.fake, others.source)
            calibration = fit_calibration(others.logit, others.fake, weights)
            p_fake[own] = calibration.probability(images.logit[own])
    return p_fake


def write_card(card_file: Path, fitted: Mapping[str, Any], out: Path) -> ModelCard:
    """Write a network's card with fitted fields to the folder `out`, and copy its weights there.

    Figures that were measured with the former card are removed. Raises `ModelError` if files of the network
    are missing or damaged.
    """
    card = OnnxClassifier(card_file).card
    ensure_writable_dir(out)
    for file in weight_files(card_file, card):
        copy_file(file, out / file.name)
    today = datetime.now(UTC).date().isoformat()
    card = replace(card, **fitted, measured={}, made=today)
    card.save(out / card_file.name)
    return card
