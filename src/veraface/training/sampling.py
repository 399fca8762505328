"""Which images an epoch shows, and in which order: pairs of a fake and a real."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from veraface.datasets.samples import Sample

SELF_BLEND, EXCHANGE = "self-blend", "exchange"  # the ways in which fakes are made from reals


class Draw(NamedTuple):
    """One image of an epoch: which sample, and what is made of it."""

    epoch: int
    number: int  # of the pair within the epoch; both of a pair share it and so their history
    sample: int  # its index
    made: str = ""  # what becomes of it: "" as it is, or one of the fakes SELF_BLEND, EXCHANGE


class PairSampler(Sampler[Draw]):
    """One epoch's draws, a fake and a real in turn, with replacement.

    A made fake stands beside the real it is made from, a fake whose group holds reals beside one of
    them, a fake of a matched source beside a real of a source that it is matched with, any other beside
    some real, so that a batch shows what differs. Sources are drawn by the root of their size: that lies
    between equal shares, which would repeat a small source to exhaustion, and raw counts, with which one
    source would speak for its whole class.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        seed: int,
        *,
        made: Mapping[str, float] | None = None,
        exchangeable: Sequence[bool] = (),
        matched: Mapping[str, Sequence[str]] | None = None,
        emphasis: Mapping[str, float] | None = None,
    ) -> None:
        """Weigh the samples.

        Args:
            samples: of both classes.
            seed: decides the draws.
            made: share of the fakes that are made from reals, by the way they are made.
            exchangeable: one entry a sample: whether its face can be exchanged.
            matched: sources of reals that belong beside the fakes of a source.
            emphasis: how much more often than by the root of its size a source is drawn.
        """
        fake = np.array([sample.fake for sample in samples])
        self._fakes, self._reals = np.flatnonzero(fake), np.flatnonzero(~fake)
        counts = Counter((sample.fake, sample.source) for sample in samples)
        weights = np.array([counts[s.fake, s.source] ** -0.5 for s in samples])
        weights *= [(emphasis or {}).get(s.source, 1.0) for s in samples]
        self._fake_weights = weights[self._fakes] / weights[self._fakes].sum()
        self._real_weights = weights[self._reals] / weights[self._reals].sum()
        self._made = dict(made or {})
        able = np.asarray(exchangeable, bool) if len(exchangeable) else np.zeros(len(samples), bool)
        self._exchange_weights = self._real_weights * able[self._reals]
        if (total := self._exchange_weights.sum()) > 0:
            self._exchange_weights = self._exchange_weights / total
        else:
            self._made.pop(EXCHANGE, None)
        of_group: dict[str, list[int]] = {}
        of_source: dict[str, list[int]] = {}
        for index in map(int, self._reals):
            of_group.setdefault(samples[index].group, []).append(index)
            of_source.setdefault(samples[index].source, []).append(index)
        beside = {
            fakes: [index for name in reals for index in of_source.get(name, [])]
            for fakes, reals in (matched or {}).items()
        }
        by_group = {name: _Drawn(indices, weights) for name, indices in of_group.items()}
        by_source = {name: _Drawn(indices, weights) for name, indices in beside.items() if indices}
        self._partners = [by_group.get(s.group) or by_source.get(s.source) for s in samples]
        self._pairs = max(1, len(samples) // 2)
        self._seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return 2 * self._pairs

    def __iter__(self) -> Iterator[Draw]:
        random = np.random.default_rng([self._seed, self.epoch])
        names = ["", *self._made]
        shares = [1 - sum(self._made.values()), *self._made.values()]
        kinds = random.choice(len(names), size=self._pairs, p=shares)
        fakes = random.choice(self._fakes, size=self._pairs, p=self._fake_weights)
        reals = random.choice(self._reals, size=self._pairs, p=self._real_weights)
        places = random.random(self._pairs)
        if EXCHANGE in self._made:
            able = random.choice(self._reals, size=self._pairs, p=self._exchange_weights)
            exchanged = kinds == names.index(EXCHANGE)
            reals[exchanged] = able[exchanged]
        for number, (kind, fake, real, place) in enumerate(zip(kinds, fakes, reals, places, strict=True)):
            made = names[kind]
            if made:
                yield Draw(self.epoch, number, int(real), made)
            else:
                if partners := self._partners[fake]:
                    real = partners.at(place)
                yield Draw(self.epoch, number, int(fake))
            yield Draw(self.epoch, number, int(real))

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning at the start of every epoch."""
        self.epoch = epoch


class _Drawn:
    """Samples that are drawn by their weights."""

    def __init__(self, samples: Sequence[int], weights: NDArray[np.float64]) -> None:
        self._samples = samples
        self._up_to = np.cumsum(weights[samples])

    def at(self, place: float) -> int:
        """The sample at a place, 0 to 1 without 1, among all of them."""
        return self._samples[int(np.searchsorted(self._up_to, place * self._up_to[-1], side="right"))]


class FixedSampler(Sampler[Draw]):
    """Every sample once, in order, always with the history of epoch 0."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        """Count the samples."""
        self._count = len(samples)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Draw]:
        return (Draw(0, index, index) for index in range(self._count))
