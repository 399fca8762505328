"""Compare ways to aggregate the scores of a video's frames: `python benchmarks/video_aggregation.py DATA`.

DATA is a folder of labeled face chips (docs/data-sets.md). Few of its videos have many frames, so most videos
are synthesized: one chip of a matched pair, moved and lit a little differently in each frame and encoded as
H.264. Their frames differ by codec and camera motion only, less than those of a person who turns and speaks.
The false positives are therefore also measured on real people and videos with several chips.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
from machine import describe
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter
from tables import table

from veraface.datasets.manifest import read_samples
from veraface.datasets.samples import Sample
from veraface.detector import Detector
from veraface.evaluation.bootstrap import BootstrapSamples
from veraface.evaluation.roc import RocCurve
from veraface.results import Verdict
from veraface.video.aggregation import aggregate_scores

RESULTS = Path(__file__).parent / "results" / "video_aggregation.md"
PAIR = "dfdc"  # real videos and swaps of the same videos
NATURAL = ("ytf", "celeba")  # several chips of one video or person; real ones only
SIDE = 224  # px of a synthesized frame
Scores = NDArray[np.float64]
Aggregation = Callable[[Scores], float]


def logit(p: Scores) -> Scores:
    """Return the log odds."""
    return np.log(p / (1 - p))


def sigmoid(x: float) -> float:
    """Return the probability of log odds."""
    return float(1 / (1 + np.exp(-x)))


def trimmed(p: Scores) -> float:
    """Return the probability of the mean log odds without the highest and the lowest fifth."""
    ordered = np.sort(logit(p))
    cut = len(ordered) // 5
    return sigmoid(ordered[cut : len(ordered) - cut].mean())


AGGREGATIONS: dict[str, Aggregation] = {
    "maximum": lambda p: float(p.max()),
    "quantile 0.9": lambda p: float(np.quantile(p, 0.9)),
    "quantile 0.75": lambda p: float(np.quantile(p, 0.75)),
    "mean p_fake": lambda p: float(p.mean()),
    "mean log odds": lambda p: sigmoid(logit(p).mean()),
    "trimmed log odds": trimmed,
    "median": lambda p: float(np.median(p)),
}
CHOSEN = {"chosen": lambda p: aggregate_scores(p.tolist())}


def synthesize_video(image: Image.Image, frames: int, random: np.random.Generator) -> list[Image.Image]:
    """Return the frames of a shaky video of one chip, decoded from H.264."""
    x, y = random.uniform(0, 1, 2)
    steps, images = random.normal(0, 0.12, (frames, 2)), []
    for dx, dy in steps:
        x, y = np.clip((x + dx, y + dy), 0, 1)
        side = image.width * random.uniform(0.88, 0.94)
        left, top = (image.width - side) * x, (image.height - side) * y
        box = (left, top, left + side, top + side)
        frame = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box)
        frame = ImageEnhance.Brightness(frame).enhance(random.uniform(0.9, 1.1))
        if random.random() < 0.25:
            frame = frame.filter(ImageFilter.GaussianBlur(random.uniform(0.4, 1.2)))
        images.append(frame)
    return recode(images, int(random.integers(20, 34)))


def recode(images: Sequence[Image.Image], quality: int) -> list[Image.Image]:
    """Encode images as H.264 at a constant rate factor (about 20 fine to 33 coarse) and decode them."""
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=2, options={"crf": str(quality)})
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode())
    buffer.seek(0)
    with av.open(buffer) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def score_frames(detector: Detector, images: Sequence[Image.Image]) -> list[float]:
    """Return the p_fake of each frame with a face."""
    results = [detector.detect(image, heatmap=False) for image in images]
    return [result.p_fake for result in results if result.p_fake is not None]


def score_all(data: Path, split: str, videos: int, frames: int) -> dict[str, dict[str, list[float]]]:
    """Return the p_fake of all frames by kind of video ("real", "fake", "natural") and group."""
    groups: dict[tuple[str, bool], dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    for sample in read_samples(data):
        if sample.split == split:
            groups[sample.source, sample.fake][sample.group].append(sample)
    detector = Detector()
    both = sorted(groups[PAIR, False].keys() & groups[PAIR, True].keys())[:videos]
    found: dict[str, dict[str, list[float]]] = {"real": {}, "fake": {}, "natural": {}}
    for group in both:
        for fake in (False, True):
            random = np.random.default_rng(len(found["real"]) * 2 + fake)
            with Image.open(groups[PAIR, fake][group][0].path) as image:
                made = synthesize_video(image.convert("RGB"), frames, random)
            found["fake" if fake else "real"][group] = score_frames(detector, made)
    for source in NATURAL:
        for group, samples in sorted(groups[source, False].items()):
            if len(samples) >= 3:
                images = [Image.open(sample.path).convert("RGB") for sample in samples[:frames]]
                found["natural"][f"{source}/{group}"] = score_frames(detector, images)
    return found


def planted(real: Sequence[float], fake: Sequence[float], share: float) -> Scores:
    """Return the scores of a real video whose first frames come from its fake twin."""
    count = max(1, round(share * len(real)))
    return np.array([*fake[:count], *real[count:]])


def report(
    found: dict[str, dict[str, list[float]]],
    split: str,
    frames: int,
    aggregations: dict[str, Aggregation],
) -> str:
    """Return the tables of one split."""
    least = 3
    pairs = [g for g in found["real"] if min(len(found[k].get(g, ())) for k in ("real", "fake")) >= least]
    natural = [p for p in found["natural"].values() if len(p) >= least]
    thresholds = Detector().card.thresholds
    draws = BootstrapSamples(pairs)
    labels = np.repeat([False, True], len(pairs))
    columns = np.tile(draws.index(pairs), 2)
    rows, shares = [], []
    single = [found[k][g] for k in ("real", "fake") for g in pairs]
    for name, aggregate in {"first frame alone": None, **aggregations}.items():
        if aggregate is None:
            scores = np.array([found[k][g][0] for k in ("real", "fake") for g in pairs])
        else:
            scores = np.array([aggregate(np.array(found[k][g])) for k in ("real", "fake") for g in pairs])
        decided = np.array([thresholds.decide(p) for p in scores])

        def figures(
            weights: Scores, scores: Scores = scores, decided: NDArray[Any] = decided
        ) -> dict[str, Scores]:
            weights = weights[:, columns]

            def share(chosen: NDArray[np.bool_], among: NDArray[np.bool_]) -> Scores:
                return (weights * (chosen & among)).sum(1) / (weights * among).sum(1)

            everything = np.ones(len(labels), bool)
            return {
                "AUC": RocCurve(labels, scores, weights).area(),
                "FPR": share(decided == Verdict.FAKE, ~labels),
                "FNR": share(decided == Verdict.REAL, labels),
                "recall": share(decided == Verdict.FAKE, labels),
                "decided": share(decided != Verdict.UNCERTAIN, everything),
            }

        values, intervals = draws.measure(figures)
        rows.append([name, *(cell(values[k], intervals[k]) for k in values)])
        if aggregate is not None:
            mixed = [
                [
                    thresholds.decide(aggregate(planted(found["real"][g], found["fake"][g], part)))
                    for g in pairs
                ]
                for part in (0, 0.25, 0.5)
            ]
            hot = [aggregate(np.array([0.99, *found["real"][g][1:]])) for g in pairs]
            alarms = [thresholds.decide(aggregate(np.array(p))) == Verdict.FAKE for p in natural]
            shares.append(
                [
                    name,
                    percent(alarms),
                    percent([thresholds.decide(p) == Verdict.FAKE for p in hot]),
                    *(percent([v == Verdict.FAKE for v in verdicts]) for verdicts in mixed),
                ]
            )
    spread = [float(np.std(logit(np.array(found[k][g])))) for k in ("real", "fake") for g in pairs]
    apart = [float(np.std(logit(np.array(p)))) for p in natural]
    return "\n".join([
        f"## On the {split} split",
        "",
        f"{len(pairs)} real and {len(pairs)} fake videos of {frames} frames from matched chips ({PAIR}), "
        f"and {len(natural)} real people or videos with {least} or more chips ({', '.join(NATURAL)}). Of the "
        f"synthesized frames, {sum(map(len, single))} showed a face; each was classified once. The log odds "
        f"of the frames of one synthesized video have a standard deviation of {np.mean(spread):.2f} on "
        f"average, those of different chips of one person or video {np.mean(apart):.2f}.",
        "",
        table(["aggregated by", "AUC", "FPR", "FNR", "recall", "decided"], rows),
        f"Verdict fake: of natural groups, all real; of real videos with one frame of {frames} at 0.99; "
        "and of real videos whose first frame, quarter and half come from the fake twin.",
        "",
        table(["aggregated by", "natural reals", "one at 0.99", "one frame", "a quarter", "half"], shares),
    ])  # fmt: skip


def cell(value: float | None, interval: list[float] | None) -> str:
    """Return a figure with its interval."""
    return f"{value:.3f}" + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else "")


def percent(flags: Sequence[bool]) -> str:
    """Return the percentage of true flags."""
    return f"{100 * np.mean(flags):.0f}%"


def main() -> None:
    """Score all frames once, then compare the aggregations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--videos", type=int, default=160, help="videos per class")
    parser.add_argument("--frames", type=int, default=8, help="frames per video")
    parser.add_argument("--scores", type=Path, help="folder of stored frame scores")
    options = parser.parse_args()
    text = [
        "# Aggregating the scores of a video's frames",
        "",
        f"{describe()}. `python benchmarks/video_aggregation.py DATA`. Thresholds of the shipped card; "
        "95% intervals from 1,000 bootstrap resamples of videos. The aggregation was chosen on the "
        "validation split and measured once on the test split. FPR: reals with the verdict fake; FNR: fakes "
        "with the verdict real; recall: fakes with the verdict fake.",
        "",
    ]
    for split, aggregations in (("val", AGGREGATIONS), ("test", CHOSEN)):
        kept = options.scores / f"{split}.json" if options.scores else None
        if kept and kept.exists():
            found = json.loads(kept.read_text())
        else:
            found = score_all(options.data, split, options.videos, options.frames)
            if kept:
                kept.write_text(json.dumps(found))
        text.append(report(found, split, options.frames, aggregations))
    RESULTS.write_text("\n".join(text), encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
