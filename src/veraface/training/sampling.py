"""Samplers: which images an epoch shows and in which order, as pairs of a fake and a real."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from veraface.datasets.samples import Sample

# The kinds of fakes synthesized from reals.
SELF_BLEND, FACE_SWAP, RECONSTRUCTION = "self-blend", "face-swap", "reconstruction"


class SampleDraw(NamedTuple):
    """One image of an epoch."""

    epoch: int
    number: int  # of the pair within the epoch; seeds the degradations, so that both share them
    sample: int  # index of the sample
    synthesized: str = ""  # kind of fake that is synthesized from it; "" for none
    real: bool = False  # whether it is the real of such a pair, which may be changed like the fake


class PairSampler(Sampler[SampleDraw]):
    """Draw pairs of a fake and a real with replacement.

    A synthesized fake is paired with the real it is made from, a fake whose group has reals with one of
    them, a fake of a matched source with a real of one of its matched sources, and any other fake with a
    random real. The probability of a source is proportional to the square root of its size: a compromise
    between equal shares, which repeat small sources too often, and raw counts, with which one large source
    dominates its class.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        seed: int,
        *,
        synthesized: Mapping[str, float] | None = None,
        matched: Mapping[str, Sequence[str]] | None = None,
        source_weights: Mapping[str, float] | None = None,
        reconstructed: Sequence[bool] = (),
    ) -> None:
        """Compute the sampling weights of samples of both classes.

        `synthesized` are the shares of fakes of each kind; reals with landmarks can be swapped, and those of
        `reconstructed`, one flag per sample, be replaced by a reconstruction. `matched` are
        the sources of reals to pair with the fakes of a source, `source_weights` factors on the probability
        of a source.
        """
        fake = np.array([sample.fake for sample in samples])
        self._fakes, self._reals = np.flatnonzero(fake), np.flatnonzero(~fake)
        counts = Counter((sample.fake, sample.source) for sample in samples)
        weights = np.array([counts[s.fake, s.source] ** -0.5 for s in samples])
        weights *= [(source_weights or {}).get(s.source, 1.0) for s in samples]
        self._fake_weights = weights[self._fakes] / weights[self._fakes].sum()
        self._real_weights = weights[self._reals] / weights[self._reals].sum()
        self._synthesized = dict(synthesized or {})
        able = {FACE_SWAP: [bool(sample.landmarks) for sample in samples], RECONSTRUCTION: reconstructed}
        self._able: dict[str, NDArray[np.float64]] = {}  # weights of the reals that a kind can be made from
        for kind, flags in able.items():
            own = self._real_weights * [bool(flags) and flags[int(i)] for i in self._reals]
            if own.sum() > 0:
                self._able[kind] = own / own.sum()
            else:
                self._synthesized.pop(kind, None)
        of_group: dict[str, list[int]] = defaultdict(list)
        of_source: dict[str, list[int]] = defaultdict(list)
        for index in map(int, self._reals):
            of_group[samples[index].group].append(index)
            of_source[samples[index].source].append(index)
        beside = {
            fakes: [index for name in reals for index in of_source[name]]
            for fakes, reals in (matched or {}).items()
        }

        def cumulated(by_name: Mapping[str, list[int]]) -> dict[str, tuple[list[int], NDArray[np.float64]]]:
            return {name: (own, np.cumsum(weights[own])) for name, own in by_name.items() if own}

        by_group, by_source = cumulated(of_group), cumulated(beside)
        self._partners = [by_group.get(s.group) or by_source.get(s.source) for s in samples]
        self._pairs = max(1, len(samples) // 2)
        self._seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return 2 * self._pairs

    def __iter__(self) -> Iterator[SampleDraw]:
        random = np.random.default_rng([self._seed, self.epoch])
        names = ["", *self._synthesized]
        shares = [1 - sum(self._synthesized.values()), *self._synthesized.values()]
        kinds = random.choice(len(names), size=self._pairs, p=shares)
        fakes = random.choice(self._fakes, size=self._pairs, p=self._fake_weights)
        reals = random.choice(self._reals, size=self._pairs, p=self._real_weights)
        uniform = random.random(self._pairs)
        for kind in filter(self._synthesized.__contains__, self._able):
            able = random.choice(self._reals, size=self._pairs, p=self._able[kind])
            of_kind = kinds == names.index(kind)
            reals[of_kind] = able[of_kind]
        for number, (drawn, fake, real, u) in enumerate(zip(kinds, fakes, reals, uniform, strict=True)):
            synthesized = names[drawn]
            if synthesized:
                yield SampleDraw(self.epoch, number, int(real), synthesized)
            else:
                if partners := self._partners[fake]:  # by inverse transform sampling
                    reals_beside, sums = partners
                    real = reals_beside[np.searchsorted(sums, u * sums[-1], side="right")]
                yield SampleDraw(self.epoch, number, int(fake))
            yield SampleDraw(self.epoch, number, int(real), synthesized, real=True)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch; Lightning calls this at the start of every epoch."""
        self.epoch = epoch


def fixed_draws(samples: Sequence[Sample]) -> list[SampleDraw]:
    """Return a draw of every sample in order, with the degradations of epoch 0, as a sampler for loaders."""
    return [SampleDraw(0, index, index) for index in range(len(samples))]
