"""From a score table to a decision: weights of the networks, calibration, thresholds and their bounds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from veraface.decision import Thresholds
from veraface.evaluation.score_table import NetworkScores, ScoreTable
from veraface.files import write_atomic
from veraface.training.calibration import balance_weights, check_enough, share
from veraface.training.disagreement import DisagreementTest, find_bound
from veraface.training.group_thresholds import (
    BoundSettings,
    GroupBound,
    ScoredImages,
    fit_group_thresholds,
    measure_bounds,
)
from veraface.training.joining import MIN_GAIN, Join, choose_networks, fit_join


@dataclass(frozen=True)
class DecisionFit:
    """How logits become a verdict.

    Attributes:
        join: the networks that are kept, their weights, and the calibration of the joined logit.
        thresholds: bounds of the uncertain band.
        settings: targets that the thresholds were fitted for.
        candidates: mean out-of-fold AUC over the sources with fakes, by the names of the networks.
        bounds: error rate and confidence bound of each group of sources.
        error_rates: out-of-fold error rates and shares of uncertain, averaged over the sources of a class.
        disagreement: largest difference of two networks' calibrated logits with a verdict; None for no rule.
        disagreement_test: which errors the rule avoids.
        one_view: networks that see a face in one view, neither mirrored nor recompressed.
    """

    join: Join
    thresholds: Thresholds
    settings: BoundSettings
    candidates: Mapping[str, float] = field(default_factory=dict)
    bounds: tuple[GroupBound, ...] = ()
    error_rates: Mapping[str, float] = field(default_factory=dict)
    disagreement: float | None = None
    disagreement_test: DisagreementTest = field(default_factory=DisagreementTest)
    one_view: tuple[str, ...] = ()

    def read(self, table: ScoreTable, **options: Any) -> NetworkScores:
        """Read the logits of its networks from a table; the options are those of `NetworkScores.of`."""
        names = [network.name for network in self.join.networks]
        return NetworkScores.of(table, architectures=names, one_view=self.one_view, **options)

    def score(self, images: NetworkScores) -> ScoredImages:
        """Return the scores that decide the verdicts of images.

        With the rule of disagreement, images beyond its bound get the scores of an uncertain verdict.
        """
        p_fake, recompressed = (
            self.join.probability(logits) for logits in (images.scores, images.recompressed)
        )
        lowest, highest = np.minimum(p_fake, recompressed), np.maximum(p_fake, recompressed)
        if self.disagreement is not None:
            beyond = self.join.disagreement(images.scores) > self.disagreement
            lowest, highest = np.where(beyond, 0.0, lowest), np.where(beyond, 1.0, highest)
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
            "calibration": self.join.calibration,
            "thresholds": self.thresholds,
            "error_rates": allowed | dict(self.error_rates),
            "error_bounds": {"confidence": self.settings.confidence, **bounds},
        }

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy."""
        return asdict(self) | {"bounds": [asdict(b) | {"held": b.held} for b in self.bounds]}

    def save(self, path: Path) -> None:
        """Write the fit as JSON, atomically."""
        write_atomic(path, json.dumps(self.to_dict(), indent=2) + "\n")


def fit_decision(
    table: ScoreTable,
    settings: BoundSettings | None = None,
    *,
    architectures: Sequence[str] | None = None,
    one_view: Sequence[str] = (),
    min_gain: float = MIN_GAIN,
) -> DecisionFit:
    """Fit weights, calibration, thresholds and the rule of disagreement to out-of-fold logits.

    Networks whose gain in mean AUC over the sources with fakes is below `min_gain` are dropped. The share of
    uncertain images is limited on the validation split as the final networks score it, or on the out-of-fold
    scores if the table has no final networks. `architectures` limits the networks to choose from; those in
    `one_view` see a face in one view, neither mirrored nor recompressed.

    Raises `DataError` if a class has too few images, or the logits do not rise with the label.
    """
    settings = settings or BoundSettings()
    images = NetworkScores.of(table, final=False, architectures=architectures, one_view=one_view)
    check_enough(images.fake)
    kept, candidates = choose_networks(images, min_gain)
    join = fit_join(images, kept)
    fit = DecisionFit(join, Thresholds(0.5, 0.5), settings, candidates, one_view=tuple(one_view))
    images = fit.read(table, final=False)
    validation = fit.read(table, final=True, where=table.split == "val")
    fit = with_thresholds(fit, images, validation)
    test = find_bound(fit.score(images), fit.join.disagreement(images.scores), fit.thresholds)
    if test.bound is not None:
        fit = with_thresholds(replace(fit, disagreement=test.bound), images, validation)
    scored = fit.score(images)
    return replace(
        fit,
        disagreement_test=test,
        bounds=measure_bounds(scored, fit.thresholds, settings),
        error_rates=error_rates(scored, fit.thresholds),
    )


def with_thresholds(fit: DecisionFit, images: NetworkScores, validation: NetworkScores) -> DecisionFit:
    """Fit the thresholds to images, for a share of uncertain images of `validation`, if there are any."""
    budget = fit.score(validation) if len(validation) else None
    return replace(fit, thresholds=fit_group_thresholds(fit.score(images), fit.settings, budget))


def refit_without(fit: DecisionFit, images: NetworkScores, source: str) -> DecisionFit:
    """Fit weights and calibration again to all sources but one; the thresholds are left to the caller."""
    names = [network.name for network in fit.join.networks]
    return replace(fit, join=fit_join(images.where(images.source != source), names))


def error_rates(images: ScoredImages, thresholds: Thresholds) -> dict[str, float]:
    """Return error rates and shares of uncertain, averaged over the sources of a class."""
    weights = balance_weights(images.fake, images.source)
    uncertain = images.uncertain(thresholds)
    return {
        "reals_called_fake": share(images.called_fake(thresholds), ~images.fake, weights),
        "fakes_called_real": share(images.called_real(thresholds), images.fake, weights),
        "reals_uncertain": share(uncertain, ~images.fake, weights),
        "fakes_uncertain": share(uncertain, images.fake, weights),
    }
