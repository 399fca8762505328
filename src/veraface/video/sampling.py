"""Which frames of a video are looked at."""

from bisect import bisect_left
from collections.abc import Sequence

from veraface.errors import VideoTooLargeError
from veraface.video.reader import Moment

FRAMES = 32  # of a video, where nobody says otherwise


def spread(moments: Sequence[Moment], count: int = FRAMES) -> list[Moment]:
    """Frames from all over the video: one from each of `count` stretches of equal length.

    A stretch gives the key frame nearest to its middle, where it has one: that is compressed least, and the
    one that costs least to decode. Else it gives the frame nearest to its middle. Time counts, not the number
    of a frame, so a video of variable rate is looked at evenly as well.

    Args:
        moments: all frames, in order.
        count: how many, at least 1; fewer come from a video that has fewer, or long stretches without any.
    """
    if len(moments) <= count:
        return list(moments)
    times = [moment.time for moment in moments]
    step = (times[-1] - times[0]) / count
    chosen = set()
    for place in range(count):
        start = times[0] + place * step
        middle = start + step / 2
        first, last = bisect_left(times, start), bisect_left(times, start + step)
        keys = [index for index in range(first, last) if moments[index].key]
        chosen.add(
            min(keys, key=lambda index: abs(times[index] - middle)) if keys else _nearest(times, middle)
        )
    return [moments[index] for index in sorted(chosen)]


def at_rate(moments: Sequence[Moment], every: float, most: int) -> list[Moment]:
    """The frame nearest to each multiple of `every` seconds.

    Raises:
        VideoTooLargeError: that would be more than `most` frames.
        ValueError: `every` is not positive.
    """
    if not every > 0:
        raise ValueError(f"the time between frames must be positive, not {every}")
    length = moments[-1].time - moments[0].time
    steps = length / every
    if min(steps, len(moments) - 1) >= most:
        raise VideoTooLargeError(
            f"a frame every {every:g} s of {length:.0f} s would be more than {most} frames; "
            f"take one every {length / (most - 1 or 1):.2g} s or less often"
        )
    times = [moment.time for moment in moments]
    # With more steps than frames, each frame is the nearest to some step.
    places = range(int(steps) + 1) if steps < len(moments) else ()
    chosen = {_nearest(times, times[0] + place * every) for place in places} or set(range(len(moments)))
    return [moments[index] for index in sorted(chosen)]


def _nearest(times: Sequence[float], wanted: float) -> int:
    after = min(bisect_left(times, wanted), len(times) - 1)
    before = max(0, after - 1)
    return before if wanted - times[before] <= times[after] - wanted else after
