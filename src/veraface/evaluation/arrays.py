"""Predictions as arrays, and their weights under bootstrap resamples: the input of metric functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from veraface.evaluation import roc
from veraface.evaluation.bootstrap import BootstrapSamples, Values
from veraface.evaluation.predict import Prediction
from veraface.evaluation.roc import Flags, RocCurve
from veraface.results import Verdict


@dataclass(frozen=True)
class PredictionArrays:
    """Predictions as arrays of one length."""

    fake: Flags
    p_fake: Values  # NaN where there is none
    verdict: NDArray[np.str_]  # "error" where there is none
    group: NDArray[np.intp]  # columns in the weights of the bootstrap resamples

    @classmethod
    def of(cls, predictions: Sequence[Prediction], bootstrap: BootstrapSamples) -> "PredictionArrays":
        """Convert a list."""
        return cls(
            fake=np.array([p.fake for p in predictions], bool),
            p_fake=np.array([np.nan if p.p_fake is None else p.p_fake for p in predictions], np.float64),
            verdict=np.array([p.outcome for p in predictions], np.str_),
            group=bootstrap.index([p.group for p in predictions]),
        )

    def __len__(self) -> int:
        return len(self.fake)

    @property
    def classified(self) -> Flags:
        """Which images have a p_fake."""
        return ~np.isnan(self.p_fake)

    @property
    def one_class(self) -> bool:
        """Whether the classified images are all real or all fake."""
        return len(set(self.fake[self.classified])) < 2

    def where(self, flags: Flags) -> "PredictionArrays":
        """Select images."""
        return PredictionArrays(self.fake[flags], self.p_fake[flags], self.verdict[flags], self.group[flags])

    def joined(self, other: "PredictionArrays") -> "PredictionArrays":
        """Append other images."""
        names = ("fake", "p_fake", "verdict", "group")
        return PredictionArrays(*(np.concatenate([getattr(self, n), getattr(other, n)]) for n in names))

    def by_group(self) -> "PredictionArrays":
        """Average p_fake over the classified images of each group and label."""
        own = self.where(self.classified)
        pairs, member = np.unique(np.stack([own.group, own.fake]), axis=1, return_inverse=True)
        member = member.reshape(-1)
        mean = np.bincount(member, own.p_fake) / np.bincount(member) if len(own) else own.p_fake
        return PredictionArrays(pairs[1].astype(bool), mean, np.full(len(mean), ""), pairs[0].astype(np.intp))

    def count_groups(self, chosen: Flags) -> int:
        """Return the number of groups that the chosen images come from."""
        return len(np.unique(self.group[chosen]))


@dataclass(frozen=True)
class ImageSet:
    """Images that metrics are computed of, and those of the other class to rank a one-class set against."""

    own: PredictionArrays
    other: PredictionArrays | None = None

    @cached_property
    def ranked(self) -> PredictionArrays:
        """The classified images; those of a one-class set with those of `other`."""
        classes = set(self.own.fake[self.own.classified])
        both = self.own if self.other is None or len(classes) != 1 else self.own.joined(self.other)
        return both.where(both.classified)

    @cached_property
    def ranked_by_group(self) -> PredictionArrays:
        """The same, averaged over groups."""
        return self.ranked.by_group()


class WeightedSet:
    """An image set under the weights of bootstrap resamples, as metric functions receive it."""

    def __init__(self, images: ImageSet, groups: Values) -> None:
        """Weight images by their group; `groups` are weights of shape (resamples, groups)."""
        self.images = images.own
        self._set = images
        self._groups = groups

    @cached_property
    def weights(self) -> Values:
        """Weights of `images`, shape (resamples, images)."""
        return self._groups[:, self.images.group]

    @cached_property
    def roc(self) -> RocCurve:
        """ROC curve of the classified images."""
        return self._curve(self._set.ranked)

    @cached_property
    def roc_by_group(self) -> RocCurve:
        """ROC curve of the mean p_fake of each group."""
        return self._curve(self._set.ranked_by_group)

    def _curve(self, ranked: PredictionArrays) -> RocCurve:
        return RocCurve(ranked.fake, ranked.p_fake, self._groups[:, ranked.group])

    def share(self, chosen: Flags, among: "Needs") -> Values:
        """Return the share of chosen images among those that are needed."""
        return roc.share(chosen, among.select(self.images), self.weights)

    def scores(self) -> tuple[Flags, Values, Values]:
        """Return labels, p_fake and weights of the classified images."""
        own = self.images.where(self.images.classified)
        return own.fake, own.p_fake, self._groups[:, own.group]


class Needs(Enum):
    """The images that a metric is computed on; it has an interval if they come from enough groups."""

    RANKED = "classified images, enough groups of each class"
    ALL = "images"
    CLASSIFIED = "classified images"
    REAL = "classified reals"
    FAKE = "classified fakes"
    DECIDED = "decided images"  # classified images with the verdict fake or real
    DECIDED_REAL = "decided reals"
    DECIDED_FAKE = "decided fakes"

    def select(self, images: PredictionArrays) -> Flags:
        """Return which images are needed."""
        if self is Needs.ALL:
            return np.ones(len(images), bool)
        needed = images.classified
        if self in (Needs.DECIDED, Needs.DECIDED_REAL, Needs.DECIDED_FAKE):
            needed &= np.isin(images.verdict, (Verdict.FAKE.value, Verdict.REAL.value))
        if self in (Needs.FAKE, Needs.DECIDED_FAKE):
            return needed & images.fake
        return needed if self.covers_fakes else needed & ~images.fake

    @property
    def covers_fakes(self) -> bool:
        """Whether a set of fakes alone has such images; a set of one class is ranked against the other."""
        return self not in (Needs.REAL, Needs.DECIDED_REAL)

    def groups(self, images: ImageSet) -> int:
        """Return the number of groups of the needed images; of RANKED those of the rarer class."""
        if self is Needs.RANKED:
            ranked = images.ranked
            return min(ranked.count_groups(ranked.fake), ranked.count_groups(~ranked.fake))
        return images.own.count_groups(self.select(images.own))
