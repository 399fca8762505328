"""Valid files with random damage; equal seeds give equal files."""

import random
from collections.abc import Callable

from tests.hostile.samples import SAMPLES

SIGNATURES = [data[:16] for data in SAMPLES.values()]
# Values that often break decoders where a length, count or offset is expected.
_BORDERS = [
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\x80",
    b"\0\1",
    b"\xff",
]


def duplicated(data: bytes, part: float, times: int) -> bytes:
    """The same file with one of its sixteenths repeated: chunks, frames, tables or pixels."""
    size = max(1, len(data) // 16)
    start = min(int(part * 16) * size, len(data) - size)
    return data[:start] + data[start : start + size] * times + data[start + size :]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _flip(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        # Squared: most damage goes to the front, where the structure is.
        changed[int(chance.random() ** 2 * len(data))] ^= chance.randint(1, 255)
    return bytes(changed)


def _splice(data: bytes, chance: random.Random) -> bytes:
    other = chance.choice(list(SAMPLES.values()))
    return data[: chance.randrange(len(data))] + other[chance.randrange(len(other)) :]


def _border(data: bytes, chance: random.Random) -> bytes:
    at, value = int(chance.random() ** 2 * len(data)), chance.choice(_BORDERS)
    return data[:at] + value + data[at + len(value) :]


def _repeat(data: bytes, chance: random.Random) -> bytes:
    return duplicated(data, chance.random(), chance.randint(2, 40))


def _drop(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + data[start + chance.randint(1, 64) :]


def _noise(data: bytes, chance: random.Random) -> bytes:
    return data[:16] + chance.randbytes(chance.randrange(2000))


_WAYS: list[Callable[[bytes, random.Random], bytes]] = [_cut, _flip, _splice, _border, _repeat, _drop, _noise]


def mutant(number: int) -> tuple[str, bytes]:
    """The name and content of one of any number of broken files."""
    chance = random.Random(number)
    kind = list(SAMPLES)[number % len(SAMPLES)]
    way = _WAYS[number // len(SAMPLES) % len(_WAYS)]
    return f"{kind}{way.__name__}-{number}", way(SAMPLES[kind], chance)
