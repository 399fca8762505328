"""Train and measure the network that notices faces covered or blurred on purpose (`models/obscured.py`).

    python scripts/covered_faces.py train data/faces data/faces2 --out build/obscured.onnx
    python scripts/covered_faces.py measure data/faces data/faces2

Covers are drawn over faces of the train split: bars, pixels, blurs, stickers, masks. Negatives are the
same faces as they are or degraded as a whole. `measure` takes 200 real and 200 fake faces of the test split,
covers each in every way, and counts verdicts and reasons of the whole pipeline; `--without` leaves the
network out.
"""

import argparse
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from veraface import Detector
from veraface.datasets.degradations import Degradations
from veraface.datasets.manifest import read_samples
from veraface.datasets.progress import in_parallel
from veraface.datasets.samples import Sample
from veraface.geometry import Box
from veraface.imaging.decode import ImageFile
from veraface.models.crop import crop_face
from veraface.models.obscured import CROP, ObscuredFaces

LAYERS = ((16, 2), (32, 2), (48, 1), (64, 2), (96, 1), (128, 2), (128, 1), (128, 1))  # channels, stride
Random = np.random.Generator
Cover = Callable[[Image.Image, Box, Random], Image.Image]


def _between(rng: Random, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def _color(rng: Random) -> tuple[int, int, int]:
    kind = rng.integers(4)
    if kind == 0:
        return (0, 0, 0)
    if kind == 1:
        return (255, 255, 255) if rng.random() < 0.5 else (128, 128, 128)
    red, green, blue = (int(v) for v in rng.integers(0, 256, 3))
    return red, green, blue


def _paste(image: Image.Image, over: Image.Image, mask: Image.Image, soft: float) -> Image.Image:
    out = image.copy()
    out.paste(over, (0, 0), mask.filter(ImageFilter.GaussianBlur(soft)) if soft else mask)
    return out


def _region(image: Image.Image, box: Box, rng: Random, part: str) -> Image.Image:
    """Return a mask of the whole face, an ellipse or a rectangle, or of its eyes."""
    mask = Image.new("L", image.size)
    draw = ImageDraw.Draw(mask)
    grow = _between(rng, -0.02, 0.15)
    left, right = box.x - grow * box.width, box.x + (1 + grow) * box.width
    top, bottom = box.y - grow * box.height, box.y + (1 + grow) * box.height
    if part == "eyes":
        top, bottom = (
            box.y + box.height * _between(rng, 0.15, 0.28),
            box.y + box.height * _between(rng, 0.46, 0.58),
        )
    shape = draw.ellipse if part == "face" and rng.random() < 0.6 else draw.rectangle
    shape((left, top, right, bottom), fill=255)
    return mask


def bar(image: Image.Image, box: Box, rng: Random) -> Image.Image:
    """Draw a bar over the eyes, of any color, slightly tilted."""
    out, height = image.copy(), box.height * _between(rng, 0.08, 0.16)
    middle = box.y + box.height * _between(rng, 0.33, 0.45)
    tilt, reach = box.width * _between(rng, -0.08, 0.08), box.width * _between(rng, -0.05, 0.2)
    left, right = box.x - reach, box.x + box.width + reach
    corners = [
        (left, middle - height - tilt),
        (right, middle - height + tilt),
        (right, middle + height + tilt),
        (left, middle + height - tilt),
    ]
    ImageDraw.Draw(out).polygon(corners, fill=_color(rng))
    return out


def pixels(image: Image.Image, box: Box, rng: Random, part: str = "face") -> Image.Image:
    """Turn the face, or its eyes, into coarse pixels."""
    cell = max(3.0, box.width / _between(rng, 6, 16))
    small = max(1, round(image.width / cell)), max(1, round(image.height / cell))
    resample = Image.Resampling.NEAREST if rng.random() < 0.8 else Image.Resampling.BILINEAR
    coarse = image.resize(small, Image.Resampling.BOX).resize(image.size, resample)
    return _paste(image, coarse, _region(image, box, rng, part), 0)


def pixel_eyes(image: Image.Image, box: Box, rng: Random) -> Image.Image:
    """Turn the eyes into coarse pixels."""
    return pixels(image, box, rng, "eyes")


def blur(image: Image.Image, box: Box, rng: Random, part: str = "face") -> Image.Image:
    """Blur the face, or its eyes, with a hard or a soft edge."""
    radius = box.width * _between(rng, 0.03, 0.14)
    kind = ImageFilter.BoxBlur if rng.random() < 0.25 else ImageFilter.GaussianBlur
    soft = box.width * _between(rng, 0.02, 0.1) if rng.random() < 0.6 else 0
    return _paste(image, image.filter(kind(radius)), _region(image, box, rng, part), soft)


def blur_eyes(image: Image.Image, box: Box, rng: Random) -> Image.Image:
    """Blur the eyes."""
    return blur(image, box, rng, "eyes")


def sticker(image: Image.Image, box: Box, rng: Random) -> Image.Image:
    """Draw a sticker, such as an emoji, over an eye, the middle or all of the face."""
    out = image.copy()
    draw = ImageDraw.Draw(out)
    radius = box.width * _between(rng, 0.24, 0.6)
    x, y = box.x + box.width * _between(rng, 0.25, 0.75), box.y + box.height * _between(rng, 0.3, 0.65)
    shape = rng.integers(4)
    if shape == 3:  # a star or a heart, roughly
        angles = np.linspace(0, 2 * np.pi, 10, endpoint=False) + rng.uniform(0, 1)
        radii = radius * np.where(np.arange(10) % 2, 0.5, 1.1)
        draw.polygon(
            [(x + r * np.cos(a), y + r * np.sin(a)) for a, r in zip(angles, radii, strict=True)],
            fill=_color(rng),
        )
    elif shape == 2:
        draw.rectangle((x - radius, y - radius, x + radius, y + radius), fill=_color(rng))
    else:
        yellow = (255, int(rng.integers(180, 225)), int(rng.integers(0, 90)))
        draw.ellipse(
            (x - radius, y - radius, x + radius, y + radius), fill=yellow if shape == 0 else _color(rng)
        )
    if rng.random() < 0.7:
        dark, width = (90, 50, 0), max(1, int(radius * 0.12))
        for side in (-0.35, 0.35):
            eye = x + side * radius, y - 0.25 * radius
            draw.ellipse((eye[0] - width, eye[1] - width, eye[0] + width, eye[1] + width), fill=dark)
        draw.arc(
            (x - 0.5 * radius, y - 0.4 * radius, x + 0.5 * radius, y + 0.6 * radius),
            20,
            160,
            fill=dark,
            width=width,
        )
    return out


def mask(image: Image.Image, box: Box, rng: Random) -> Image.Image:
    """Draw a cloth over nose, mouth and chin, with folds and the light of the image."""
    shape = Image.new("L", image.size)
    top = box.y + box.height * _between(rng, 0.48, 0.6)
    side, low = box.width * _between(rng, -0.04, 0.1), box.y + box.height * _between(rng, 0.98, 1.1)
    left, right, middle = box.x + side, box.x + box.width - side, box.x + box.width * _between(rng, 0.4, 0.6)
    drop = box.height * _between(rng, 0.02, 0.1)
    outline = [
        (left, top + drop),
        (middle, top),
        (right, top + drop),
        (right - box.width * 0.08, low - box.height * 0.1),
    ]
    outline += [(middle, low), (left + box.width * 0.08, low - box.height * 0.1)]
    ImageDraw.Draw(shape).polygon(outline, fill=255)
    light = (
        np.asarray(image.convert("L").filter(ImageFilter.GaussianBlur(box.width * 0.06)), float)[..., None]
        / 255
    )
    rows = np.arange(image.height)[:, None, None]
    folds = _between(rng, 0, 10) * np.sin(rows / (box.height * _between(rng, 0.02, 0.06)))
    plain = [(170, 205, 225), (235, 235, 235), (25, 25, 30), _color(rng)][rng.integers(4)]
    noise = rng.normal(0, _between(rng, 0, 5), (*light.shape[:2], 3))
    cloth = (np.array(plain) * (0.55 + 0.5 * light) + folds + noise).clip(0, 255).astype(np.uint8)
    return _paste(image, Image.fromarray(cloth), shape, _between(rng, 0, 1.5))


COVERS: dict[str, Cover] = {f.__name__: f for f in (bar, pixels, pixel_eyes, blur, blur_eyes, sticker, mask)}


def caption(image: Image.Image, box: Box, rng: Random) -> Image.Image:
    """Write a line of text over forehead or chin, which does not cover the face."""
    out = image.copy()
    y = box.y + box.height * (_between(rng, 0.0, 0.12) if rng.random() < 0.4 else _between(rng, 0.85, 1.0))
    draw = ImageDraw.Draw(out)
    draw.text(
        (box.x, y),
        "BREAKING NEWS",
        font_size=max(8, box.width * 0.12),
        fill=_color(rng),
        stroke_width=1,
        stroke_fill="black",
    )
    return out


def spot(image: Image.Image, box: Box, rng: Random) -> Image.Image:
    """Draw a small logo beside the middle of the face, or over its edge."""
    out, radius = image.copy(), box.width * _between(rng, 0.03, 0.1)
    x, y = box.x + box.width * _between(rng, -0.1, 0.2), box.y + box.height * _between(rng, 0.0, 1.0)
    ImageDraw.Draw(out).ellipse((x - radius, y - radius, x + radius, y + radius), fill=_color(rng))
    return out


def example(sample: Sample, rng: Random) -> tuple[NDArray[np.uint8], int]:
    """Return a crop, covered or not, and the index of its cover in `COVERS`, -1 for none."""
    assert sample.box is not None
    image, box = ImageFile(sample.path).decode(), sample.box
    cover = int(rng.integers(len(COVERS))) if rng.random() < 0.5 else -1
    if cover >= 0:
        if rng.random() < 0.3:
            image, box = Degradations().apply(image, box, rng)
        image = list(COVERS.values())[cover](image, box, rng)
    elif rng.random() < 0.15:
        image = (caption, spot)[rng.integers(2)](image, box, rng)
    if rng.random() < 0.5:  # to both: a covered image is shared on
        image, box = Degradations().apply(image, box, rng)
    if cover < 0 and rng.random() < 0.1:  # an image that is blurred as a whole
        image = image.filter(ImageFilter.GaussianBlur(box.width * _between(rng, 0.0, 0.06)))
    scale, shift = _between(rng, 0.88, 1.12), rng.normal(0, 0.03, 2)
    side = box.max_side
    box = Box(
        box.x + (1 - scale) * box.width / 2 + shift[0] * side,
        box.y + (1 - scale) * box.height / 2 + shift[1] * side,
        box.width * scale,
        box.height * scale,
    )
    crop = crop_face(image, box, CROP, float(rng.uniform(-20, 20)) if rng.random() < 0.3 else 0.0)
    return crop[:, ::-1] if rng.random() < 0.5 else crop, cover


class ObscuredNetwork(nn.Module):
    """Eight convolutions, the first at half the side; takes RGB bytes, returns a logit."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for channels, stride in LAYERS:
            layers += [
                nn.Conv2d(before, channels, 3, stride, 1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
            ]
            before = channels
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(2 * before, 1)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return logits, shape (N,), of crops, uint8 of shape (N, size, size, 3)."""
        x = self.body((pixels.permute(0, 3, 1, 2).float() - 127.5) / 64)
        x = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        logits: torch.Tensor = self.head(x)[:, 0]
        return logits


def _batches(
    samples: Sequence[Sample], batch: int, seed: int, workers: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    class Examples(torch.utils.data.Dataset):  # type: ignore[type-arg]
        def __len__(self) -> int:
            return len(samples)

        def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], int]:
            crop, cover = example(samples[index], np.random.default_rng([seed, index]))
            return crop.copy(), cover

    yield from torch.utils.data.DataLoader(Examples(), batch, shuffle=seed < 1000, num_workers=workers)


def train(options: argparse.Namespace) -> None:
    """Train, write the ONNX file, print the error rates on the validation split."""
    torch.manual_seed(0)
    samples = [s for data in options.data for s in read_samples(data) if s.box is not None]
    training, validation = ([s for s in samples if s.split == split] for split in ("train", "val"))
    network = ObscuredNetwork()
    steps = options.epochs * (len(training) // options.batch + 1)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.998), use_buffers=True)
    for epoch in range(options.epochs):
        losses = []
        for crops, cover in _batches(training, options.batch, epoch, options.workers):
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(crops)
            target = (cover >= 0) * 0.98 + 0.01
            loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            average.update_parameters(network)
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}", flush=True)
    averaged = average.module.eval()
    with torch.inference_mode():
        seen = [(averaged(crops), cover) for crops, cover in _batches(validation, 256, 1000, options.workers)]
    found_logits, covers = (torch.cat(part).numpy() for part in zip(*seen, strict=True))
    for share in (0.99, 0.995, 0.998):
        limit = np.quantile(found_logits[covers < 0], share)
        kinds = ", ".join(
            f"{name} {np.mean(found_logits[covers == i] > limit):.1%}" for i, name in enumerate(COVERS)
        )
        found = np.mean(found_logits[covers >= 0] > limit)
        print(f"validation: logit {limit:.2f}: {1 - share:.1%} of uncovered, {found:.1%} of covered: {kinds}")
    size = torch.zeros(1, CROP.size, CROP.size, 3, dtype=torch.uint8)
    torch.onnx.export(
        averaged,
        (size,),
        options.out,
        input_names=["pixels"],
        output_names=["logit"],
        opset_version=17,
        dynamo=False,
    )


class _Nothing(ObscuredFaces):
    """Takes no face for obscured."""

    def is_obscured(self, crop: NDArray[np.uint8]) -> bool:
        return False


def measure(options: argparse.Namespace) -> None:
    """Print verdicts of the pipeline on covered and uncovered faces of the test split."""
    samples = [
        s for data in options.data for s in read_samples(data) if s.split == "test" and s.box is not None
    ]
    random.Random(0).shuffle(samples)
    chosen = [s for fake in (False, True) for s in [s for s in samples if s.fake == fake][: options.faces]]
    detector = Detector(threads=1)
    if options.without:
        detector._obscured = _Nothing()
    for name, cover in {"as it is": None, "caption": caption, **COVERS}.items():

        def one(sample: Sample, cover: Cover | None = cover) -> tuple[bool, str]:
            image = ImageFile(sample.path).decode()
            if cover is not None:
                assert sample.box is not None
                image = cover(
                    image, sample.box, np.random.default_rng(len(sample.path.name) + int(sample.box.x))
                )
            result = detector.detect(image, heatmap=False)
            codes = {reason.code for reason in result.reasons}
            return sample.fake, "obscured" if "face_obscured" in codes else result.verdict.value

        counts = Counter(in_parallel(one, chosen, name))
        rows = [
            ", ".join(f"{verdict} {n}" for (is_fake, verdict), n in sorted(counts.items()) if is_fake == fake)
            for fake in (False, True)
        ]
        print(f"{name:12} real: {rows[0]}; fake: {rows[1]}", flush=True)


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    for command in (train, measure):
        sub = commands.add_parser(command.__name__, help=command.__doc__)
        sub.add_argument("data", type=Path, nargs="+")
        sub.set_defaults(run=command)
        if command is train:
            sub.add_argument("--out", type=Path, required=True)
            sub.add_argument("--epochs", type=int, default=16)
            sub.add_argument("--batch", type=int, default=64)
            sub.add_argument("--workers", type=int, default=1)
        else:
            sub.add_argument("--faces", type=int, default=200, help="of each class")
            sub.add_argument("--without", action="store_true", help="leave the network out")
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
