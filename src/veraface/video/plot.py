"""The p_fake of a video over its time, as data for programs and as an image for people."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from veraface.files import atomic_write
from veraface.video.results import TrackResult, VideoResult

_WIDTH, _HEIGHT = 1200, 520  # px
_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 130, 80, 70  # px around the plot
_INK, _GRID, _BAND = (25, 25, 30), (215, 215, 220), (150, 150, 160)
# Okabe and Ito, "Color Universal Design", 2008; tracks also differ by their marks, and the band is hatched.
_COLOURS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167))
_MARKS = ("circle", "square", "triangle", "diamond")
_MARK = 6  # px from the middle of a mark to its edge
_MAX_SHOWN = 4  # tracks with a line; the others have points only
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)


def timeline(result: VideoResult) -> dict[str, Any]:
    """What a program needs to draw it: a JSON-ready excerpt of the result."""
    whole = result.to_dict()
    wanted = ("verdict", "p_fake", "duration", "rate", "thresholds", "timeline", "tracks", "model")
    return {name: whole[name] for name in wanted}


def draw_timeline(result: VideoResult, title: str = "") -> Image.Image:
    """The timeline as an image of 1200 x 520 px, to be read without color.

    Args:
        result: of a video.
        title: to stand above it, such as the name of the video.
    """
    image = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    text, small = ImageFont.load_default(size=22), ImageFont.load_default(size=17)
    p_fake = "" if result.p_fake is None else f", p_fake {result.p_fake:.2f}"
    draw.text((_LEFT, 14), _plain(title), _INK, text)
    draw.text((_LEFT, 44), f"verdict: {result.verdict.value.replace('_', ' ')}{p_fake}", _INK, text)
    _draw_band(draw, result, small)
    _draw_axes(draw, result, small)
    for number, track in enumerate(result.tracks):
        _draw_track(draw, result, track, number)
    _draw_key(draw, result.tracks, small)
    return image


def write_timeline(result: VideoResult, path: Path, title: str = "") -> None:
    """Write the timeline as PNG, whole or not at all.

    Raises:
        VerafaceError: the file cannot be written.
    """
    with atomic_write(path) as partial:
        draw_timeline(result, title).save(partial, "PNG")


def _x(time: float, result: VideoResult) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * time / max(result.duration, 1e-6)


def _y(p_fake: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - p_fake)


def _draw_band(draw: ImageDraw.ImageDraw, result: VideoResult, font: ImageFont.FreeTypeFont | Any) -> None:
    """The stretch of p_fake in which nothing is decided, hatched, with its bounds."""
    left, right = _LEFT, _WIDTH - _RIGHT
    low, high = _y(result.thresholds["real"]), _y(result.thresholds["fake"])
    height = low - high
    x = left - height
    while x < right:  # lines that rise to the right, cut at the edges of the band
        start, end = max(x, left), min(x + height, right)
        if end > start:
            draw.line((start, low - (start - x), end, low - (end - x)), _GRID, 1)
        x += 14
    for y in (low, high):
        draw.line((left, y, right, y), _BAND, 2)
    words = (("fake", (_y(1) + high) / 2), ("cannot tell", (low + high) / 2), ("real", (_y(0) + low) / 2))
    for name, y in words:
        draw.text((right + 12, y), name, _INK, font, anchor="lm")  # beside the plot, where no point covers it


def _draw_axes(draw: ImageDraw.ImageDraw, result: VideoResult, font: ImageFont.FreeTypeFont | Any) -> None:
    left, right, top, bottom = _LEFT, _WIDTH - _RIGHT, _y(1), _y(0)
    draw.line((left, top, left, bottom, right, bottom), _INK, 2)
    for p_fake in (0.0, 0.25, 0.5, 0.75, 1.0):
        draw.line((left - 6, _y(p_fake), left, _y(p_fake)), _INK, 2)
        draw.text((left - 12, _y(p_fake)), f"{p_fake:g}", _INK, font, anchor="rm")
    draw.text((12, top - 14), "p_fake", _INK, font, anchor="lb")
    step = next((s for s in _STEPS_S if result.duration / s <= 10), _STEPS_S[-1])
    for number in range(min(100, int(result.duration / step)) + 1):
        x = _x(number * step, result)
        draw.line((x, bottom, x, bottom + 6), _INK, 2)
        draw.text((x, bottom + 12), _clock(number * step), _INK, font, anchor="ma")
    draw.text((right, _HEIGHT - 10), "time", _INK, font, anchor="rb")


def _draw_track(draw: ImageDraw.ImageDraw, result: VideoResult, track: TrackResult, number: int) -> None:
    color = _COLOURS[number % len(_COLOURS)]
    points = [
        (_x(frame.time, result), _y(frame.p_fake)) for frame in track.frames if frame.p_fake is not None
    ]
    if number < _MAX_SHOWN and len(points) > 1:
        draw.line(points, color, 2)
    for x, y in points:
        _draw_mark(draw, x, y, _MARKS[number % len(_MARKS)], color)


def _draw_key(
    draw: ImageDraw.ImageDraw, tracks: Sequence[TrackResult], font: ImageFont.FreeTypeFont | Any
) -> None:
    x = float(_LEFT)
    for number, track in enumerate(tracks[:_MAX_SHOWN]):
        words = f"face {number + 1}: {track.verdict.value}"
        _draw_mark(draw, x + 8, _HEIGHT - 19, _MARKS[number], _COLOURS[number])
        draw.text((x + 22, _HEIGHT - 10), words, _INK, font, anchor="lb")
        x += 50 + draw.textlength(words, font)
    if (more := len(tracks) - _MAX_SHOWN) > 0:
        draw.text((x, _HEIGHT - 10), f"and {more} more", _INK, font, anchor="lb")


def _draw_mark(draw: ImageDraw.ImageDraw, x: float, y: float, mark: str, color: tuple[int, int, int]) -> None:
    r = _MARK
    if mark == "circle":
        draw.ellipse((x - r, y - r, x + r, y + r), color, "white")
    elif mark == "square":
        draw.rectangle((x - r, y - r, x + r, y + r), color, "white")
    elif mark == "triangle":
        draw.polygon(((x, y - r), (x + r, y + r), (x - r, y + r)), color, "white")
    else:
        draw.polygon(((x, y - r), (x + r, y), (x, y + r), (x - r, y)), color, "white")


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _plain(title: str) -> str:
    """A name that fits, without what no font can show."""
    shown = "".join(c if c.isprintable() else "?" for c in title)
    return shown if len(shown) <= 80 else shown[:79] + "…"
