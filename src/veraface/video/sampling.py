"""Select the frames of a video to analyze."""

from bisect import bisect_left
from collections.abc import Sequence

from veraface.errors import VideoTooLargeError
from veraface.video.reader import FrameRef

DEFAULT_FRAMES = 32


def sample_uniform(frames: Sequence[FrameRef], count: int = DEFAULT_FRAMES) -> list[FrameRef]:
    """Return one frame from each of `count` intervals of equal length.

    Takes the key frame nearest to the middle of the interval, if there is one: it is compressed least and
    cheapest to decode. Otherwise takes the frame nearest to the middle. Intervals are of time, not of frame
    numbers, so videos of variable frame rate are sampled evenly too. `count` is at least 1; fewer frames are
    returned if the video has fewer, or long gaps.
    """
    if len(frames) <= count:
        return list(frames)
    times = [frame.time for frame in frames]
    step = (times[-1] - times[0]) / count
    chosen = set()
    for place in range(count):
        start = times[0] + place * step
        middle = start + step / 2
        first, last = bisect_left(times, start), bisect_left(times, start + step)
        keys = [index for index in range(first, last) if frames[index].key]
        nearest_key = min(keys, key=lambda index: abs(times[index] - middle), default=None)
        chosen.add(_nearest(times, middle) if nearest_key is None else nearest_key)
    return [frames[index] for index in sorted(chosen)]


def sample_every(frames: Sequence[FrameRef], every: float, max_frames: int) -> list[FrameRef]:
    """Return the frame nearest to each multiple of `every` seconds; raise VideoTooLargeError if too many."""
    if not every > 0:
        raise ValueError(f"the time between frames must be positive, not {every}")
    length = frames[-1].time - frames[0].time
    steps = length / every
    if min(steps, len(frames) - 1) >= max_frames:
        raise VideoTooLargeError(
            f"a frame every {every:g} s of {length:.0f} s would be more than {max_frames} frames; "
            f"take one every {length / (max_frames - 1 or 1):.2g} s or less often"
        )
    times = [frame.time for frame in frames]
    # With more steps than frames, each frame is nearest to some step.
    places = range(int(steps) + 1) if steps < len(frames) else ()
    chosen = {_nearest(times, times[0] + place * every) for place in places} or set(range(len(frames)))
    return [frames[index] for index in sorted(chosen)]


def _nearest(times: Sequence[float], wanted: float) -> int:
    after = min(bisect_left(times, wanted), len(times) - 1)
    before = max(0, after - 1)
    return before if wanted - times[before] <= times[after] - wanted else after
