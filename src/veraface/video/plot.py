"""The p_fake of a video over time, as JSON-ready data and as a plot."""

import warnings
from itertools import cycle
from pathlib import Path
from typing import Any

from veraface.files import atomic_write
from veraface.text import clean
from veraface.utils import needs_extra
from veraface.video.results import VideoResult
from veraface.wording import PLAIN, Wording

# Okabe and Ito, "Color Universal Design", 2008. Tracks also differ by their markers, and the band is hatched.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
_MARKERS = ("o", "s", "^", "D")
_MAX_LINES = 4  # tracks with a line and a legend entry; the others have points only


def timeline_data(result: VideoResult) -> dict[str, Any]:
    """Return the part of a result that a program needs to plot it."""
    names = ("verdict", "p_fake", "duration", "rate", "thresholds", "timeline", "tracks", "model")
    data = result.to_dict()
    return {name: data[name] for name in names}


def write_timeline(result: VideoResult, path: Path, title: str = "", wording: Wording = PLAIN) -> None:
    """Write a plot of 1200 x 520 px as PNG below a title, atomically; it is readable without color."""
    with needs_extra("video"):
        from matplotlib.figure import Figure

    real, fake = result.thresholds["real"], result.thresholds["fake"]
    figure = Figure(figsize=(12, 5.2), dpi=100)
    axes = figure.add_axes((0.075, 0.135, 0.817, 0.711))
    verdict = wording.short(result.verdict)
    p_fake = "" if result.p_fake is None else f", p_fake {result.p_fake:.2f}"
    axes.set_title(f"{clean(title)}\nverdict: {verdict}{p_fake}", loc="left", parse_math=False)
    axes.set(xlim=(0, max(result.duration, 1e-6)), ylim=(0, 1), ylabel="p_fake")
    axes.set_xlabel("time", loc="right")
    axes.xaxis.set_major_formatter(lambda seconds, _: _clock(seconds))
    axes.axhspan(real, fake, facecolor="none", edgecolor="#c0c0c6", hatch="//", linewidth=1.5)
    for label, y in (("fake", (1 + fake) / 2), ("uncertain", (fake + real) / 2), ("real", real / 2)):
        axes.text(1.01, y, wording.short(label), transform=axes.transAxes, verticalalignment="center")
    styles = zip(result.tracks, cycle(_COLORS), cycle(_MARKERS), strict=False)
    for number, (track, color, marker) in enumerate(styles):
        points = [(frame.time, frame.p_fake) for frame in track.frames if frame.p_fake is not None]
        (drawn,) = axes.plot([time for time, _ in points], [score for _, score in points], clip_on=False)
        drawn.set(color=color, marker=marker, markeredgecolor="white")
        if number < _MAX_LINES:
            drawn.set_label(f"face {number + 1}: {wording.short(track.verdict)}")
        else:
            drawn.set(linestyle="None")
    if result.tracks:
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.06), ncols=_MAX_LINES, frameon=False)
    if (more := len(result.tracks) - _MAX_LINES) > 0:
        axes.text(0.7, -0.13, f"and {more} more faces", transform=axes.transAxes)
    with atomic_write(path) as partial, warnings.catch_warnings(action="ignore"):  # a font lacks a glyph
        figure.savefig(partial, format="png")


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
