"""Measure one image in a warm process: time per stage, and total time relative to the floor.

The floor is the minimum for any program with these networks on this runtime: libjpeg-turbo's decode at
the scale used, and the bare ONNX Runtime calls on the same inputs.
"""

from collections.abc import Callable
from io import BytesIO
from time import perf_counter
from typing import Any
from unittest.mock import patch

from images import FORMATS, encoded, scene
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from tables import p50, quantile, table

from veraface import Detector, ImageLimits
from veraface.models import onnx_session as runtime

MEGAPIXELS = (0.3, 2, 12, 48)
FACES = (0, 1, 10)
_STAGES = ("decode", "faces", "model")


def single_images(runs: int, largest: float) -> str:
    """Return the table by size, format and number of faces."""
    detector = Detector(limits=ImageLimits(max_bytes=2**30))
    detector.warm_up()
    rows = []
    for megapixels in (size for size in MEGAPIXELS if size <= largest):
        for faces in FACES:
            image = scene(megapixels, faces)
            for kind in FORMATS:
                data = encoded(image, kind)
                found = len(detector.detect(data).faces)
                count = max(5, round(runs / (1 + megapixels)))
                times = [detector.detect(data).timing_ms for _ in range(count)]
                rest = [t["total"] - sum(t[stage] for stage in _STAGES) for t in times]
                totals = [t["total"] for t in times]
                rows.append(
                    [f"{megapixels} MP", kind, f"{found} of {faces}"]
                    + [p50([t[stage] for t in times]) for stage in _STAGES]
                    + [p50(rest), p50(totals), quantile(totals, 0.95)]
                )
                print(rows[-1], flush=True)
    headings = ["size", "format", "faces found", "decode", "faces", "model", "rest", "p50", "p95"]
    return table(headings, rows)


class _Recorder:
    """A session that records its calls."""

    def __init__(self, session: Any, calls: list[Callable[[], Any]]) -> None:
        self._session = session
        self._calls = calls

    def run(self, outputs: Any, inputs: Any) -> Any:
        self._calls.append(lambda: self._session.run(outputs, inputs))
        return self._session.run(outputs, inputs)


def over_the_floor(runs: int) -> str:
    """Return the table of total time over the floor; runs alternate, so that load affects both equally."""
    rows = []
    for threads in (1, 0):
        calls: list[Callable[[], Any]] = []
        open_session = runtime.open_session

        def recording(*arguments: Any, calls: Any = calls, opener: Any = open_session) -> _Recorder:
            return _Recorder(opener(*arguments), calls)

        with (
            patch("veraface.models.yunet.open_session", recording),
            patch("veraface.models.classifier.open_session", recording),
        ):
            detector = Detector(threads=threads)
        for megapixels in (0.3, 2, 12):
            data = encoded(scene(megapixels, 1), "JPEG")
            with patch.object(
                JpegImageFile, "draft", autospec=True, side_effect=JpegImageFile.draft
            ) as draft:
                calls.clear()
                detector.detect(data)
                scales = [call.args[2] for call in draft.call_args_list]
            if not scales or not calls:
                raise SystemExit("no call of the decoder or of the networks was recorded")
            once = list(calls)
            ours, floor = [], []
            for _ in range(runs):
                started = perf_counter()
                for size in scales:
                    image = Image.open(BytesIO(data), formats=["JPEG"])
                    image.draft(None, size)
                    image.load()
                for call in once:
                    call()
                between = perf_counter()
                detector.detect(data)
                ours.append(1000 * (perf_counter() - between))
                floor.append(1000 * (between - started))
                calls.clear()
            name = "all cores" if threads == 0 else "one thread"
            rows.append([f"{megapixels} MP JPEG", name, p50(floor), p50(ours), p50(ours) / p50(floor)])
            print(rows[-1], flush=True)
    return table(["image, one face", "threads", "floor p50", "total p50", "ratio"], rows)
