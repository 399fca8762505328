"""Print p_fake over time for a video. Needs `pip install '.[video]'`.

python examples/video_timeline.py clip.mp4
"""

import sys

from veraface import detect_video


def main(path: str) -> None:
    """Print the verdict, then a bar for each frame."""
    result = detect_video(path, frames=16)
    print(f"{result.verdict}  p_fake {'' if result.p_fake is None else f'{result.p_fake:.3f}'}")
    for point in result.timeline:
        bar = "" if point.p_fake is None else "#" * round(40 * point.p_fake)
        print(f"{point.time:7.2f} s  {bar}")


if __name__ == "__main__":
    main(sys.argv[1])
