"""Over 1,300 hostile files, the same in every run; made one at a time. In the profile `deep` over 2,000."""

from collections.abc import Callable, Iterator

from tests.examples import PROFILE
from tests.hostile.bombs import CLAIMANTS, claiming, exhausting, lying, survivable
from tests.hostile.foreign import FOREIGN, polyglots
from tests.hostile.makers import copies, jpeg_with, tiff, tiff_end
from tests.hostile.mutants import mutant
from tests.hostile.samples import ODD_PIXELS, SAMPLES
from tests.sample_images import png_of_size

MUTANTS = 1000 if PROFILE == "deep" else 300

_EXIF_DIRECTORY, _GPS_DIRECTORY, _INTEROP_DIRECTORY = 34665, 34853, 40965


def directories() -> dict[str, bytes]:
    """Return EXIF blocks and TIFF files with cyclic, dangling or long chains of directories."""
    made = {}
    for order in "<>":
        for tag in (_EXIF_DIRECTORY, _GPS_DIRECTORY, _INTEROP_DIRECTORY, 330):
            for target in (0, 8, 9, tiff_end(1), 0xFFFFFFFF, 0x7FFFFFFF):
                made[f"directory {tag} at {target}"] = tiff([(tag, 4, 1, target)], order=order)
        made["directory that follows itself"] = tiff([(256, 4, 1, 64)], order=order, following=8)
        made["directory that follows nowhere"] = tiff([(256, 4, 1, 64)], order=order, following=0xFFFFFFF0)
        for kind in range(20):
            for count in (0, 1, 0xFFFFFFFF):
                made[f"value of type {kind} {count} times"] = tiff([(0x0112, kind, count, 6)], order=order)
        made["chain of directories"] = b"".join(
            tiff([(_EXIF_DIRECTORY, 4, 1, 8 + 18 * i)], order=order)[0 if i == 1 else 8 :]
            for i in range(1, 2000)
        )
    made["EXIF that grows"] = copies(60_000)
    return {
        f"{name} {place}": put(block)
        for name, block in made.items()
        for place, put in (("in a TIFF", bytes), ("in a JPEG", _in_jpeg))
    }


def _in_jpeg(block: bytes) -> bytes:
    return jpeg_with((0xE1, b"Exif\0\0" + block[:65_000]))


def _headers() -> Iterator[tuple[str, bytes]]:
    for name in CLAIMANTS:
        for side in (0, 7100, 16_383, 65_535):
            if name != "tiff" or side == 7100:
                yield f"{name} of {side}", claiming(name, side)
    for width, height in ((1, 2**31 - 1), (2**31 - 1, 1), (2**32 - 1, 2**32 - 1), (0, 0), (20_001, 1)):
        yield f"PNG of {width} x {height}", png_of_size(width, height)
    for name, data in SAMPLES.items():
        yield f"{name} and 1 MB of zeros", data + bytes(2**20)
        yield f"beginning of a {name} and 1 MB of 0xFF", data[:200] + b"\xff" * 2**20


def _shortest() -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    for value in range(0, 256, 15):
        yield f"the byte {value}", bytes([value])
    for name, data in SAMPLES.items():
        yield f"the first 12 bytes of a {name}", data[:12]


def _cut() -> Iterator[tuple[str, bytes]]:
    for name, data in SAMPLES.items():
        for sixteenths in range(1, 16):
            yield f"{name} cut at {sixteenths}/16", data[: len(data) * sixteenths // 16]


def hostile_files() -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file."""
    groups: list[Callable[[], dict[str, bytes]]] = [exhausting, survivable, lying, polyglots, directories]
    for group in groups:
        yield from group().items()
    yield from ((name, data) for name, (data, _) in FOREIGN.items())
    yield from ODD_PIXELS.items()
    for single in (_headers, _shortest, _cut):
        yield from single()
    for number in range(MUTANTS):
        yield mutant(number)
