"""Image degradations seen in the wild: rescaling, recompression, blur, noise, color loss, messengers, video.

They are applied to real and fake images alike, so that they do not reveal the class. Training, calibration
and robustness tests share this module. It needs Pillow and NumPy, and PyAV for the compression of videos.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from veraface.geometry import Box
from veraface.imaging.decode import recompress

if TYPE_CHECKING:
    from av.video.stream import VideoStream

_MESSENGER_SIDES = (720, 1600)  # px; messengers limit the longest side of a photo
_MESSENGER_QUALITY = (60, 86)  # and save it as JPEG
_FACE_SHARES = (0.12, 0.6)  # longer side of a face over that of its photo
_SCREEN_FACTORS = (0.5, 1.4)  # size of an image on a screen over its own
_CODECS = {"mpeg4": (3, 12), "libx264": (20, 36)}  # range of the quality
_INTERPOLATIONS = tuple(Image.Resampling[name] for name in ("BILINEAR", "BICUBIC", "LANCZOS", "BOX"))


def rescale(image: Image.Image, factor: float, resample: Image.Resampling) -> Image.Image:
    """Scale both sides by `factor`, to at least one pixel."""
    return image.resize((max(1, round(image.width * factor)), max(1, round(image.height * factor))), resample)


def blur(image: Image.Image, sigma: float) -> Image.Image:
    """Blur with a Gaussian of `sigma` pixels standard deviation."""
    return image.filter(ImageFilter.GaussianBlur(sigma))


def add_noise(image: Image.Image, sigma: float, random: np.random.Generator) -> Image.Image:
    """Add Gaussian noise, randomly gray or colored; `sigma` is a share of full scale."""
    channels = 1 if random.random() < 0.5 else 3
    noise = random.normal(0.0, 255 * sigma, (image.height, image.width, channels))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def grayscale(image: Image.Image) -> Image.Image:
    """Remove the color, keep three channels."""
    return image.convert("L").convert("RGB")


def shift_color(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Change brightness, contrast and saturation by up to 25% each."""
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(float(random.uniform(0.75, 1.25)))
    return image


def smooth(image: Image.Image, share: float) -> Image.Image:
    """Soften skin like beauty filters; `share` is the weight of the filtered image, 0 to 1."""
    return Image.blend(image, image.filter(ImageFilter.MedianFilter(5)), share)


def sharpen(image: Image.Image, factor: float) -> Image.Image:
    """Sharpen by `factor` like cameras and photo editors; 1 changes nothing."""
    return ImageEnhance.Sharpness(image).enhance(factor)


def compress_as_frame(image: Image.Image, codec: str, quality: int) -> Image.Image:
    """Return the image as the second frame of a video, predicted from a shifted copy of it.

    Args:
        image: RGB.
        codec: of FFmpeg: `mpeg4` or `libx264`.
        quality: constant quantizer of `mpeg4`, 1 (best) to 31, or rate factor of `libx264`, 0 (best) to 51.
    """
    import av

    width, height = (side + side % 2 for side in image.size)  # 4:2:0 needs even sides
    still = np.pad(np.asarray(image), ((0, height - image.height), (0, width - image.width), (0, 0)), "edge")
    file = io.BytesIO()
    options = {"crf": str(quality), "preset": "veryfast"} if codec == "libx264" else {}
    with av.open(file, "w", "matroska") as writer:
        stream = cast("VideoStream", writer.add_stream(codec, rate=25, options=options))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.thread_count = 1
        if codec == "mpeg4":
            stream.codec_context.qmin = stream.codec_context.qmax = quality
        for shown in (np.roll(still, 2, axis=1), still):
            writer.mux(stream.encode(av.VideoFrame.from_ndarray(shown, "rgb24")))
        writer.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as reader:
        *_, frame = reader.decode(video=0)
        pixels = frame.to_ndarray(format="rgb24")
    return Image.fromarray(pixels[: image.height, : image.width])


def occlude(image: Image.Image, box: Box, random: np.random.Generator) -> Image.Image:
    """Cover up to a tenth of the face with a random color."""
    width, height = (side * random.uniform(0.1, 0.32) for side in (box.width, box.height))
    left = box.x + random.uniform(0, box.width - width)
    top = box.y + random.uniform(0, box.height - height)
    color = tuple(int(v) for v in random.integers(0, 256, 3))
    covered = image.copy()
    covered.paste(color, (round(left), round(top), round(left + width), round(top + height)))
    return covered


@dataclass(frozen=True)
class Degradations:
    """Distribution of random degradations: the probability of each, 0 to 1, and its range."""

    untouched: float = 0.35  # probability of no degradation at all
    rescale: float = 0.45  # probability of downscaling the face to at least `smallest_side`
    smallest_side: float = 64  # px
    blur: float = 0.2  # probability
    blur_sigma: float = 1.8  # largest standard deviation, px
    noise: float = 0.2  # probability
    noise_sigma: float = 0.05  # largest standard deviation, share of full scale
    color: float = 0.3  # probability of a change of brightness, contrast and saturation
    grayscale: float = 0.12  # probability
    recompress: float = 0.7  # probability of a final compression
    recompress_again: float = 0.3  # probability of one more before, given the final one
    webp: float = 0.25  # share of WebP among compressions, the others are JPEG
    quality: tuple[int, int] = (35, 97)  # range of the compression quality
    occlude: float = 0.1  # probability of an occlusion of the face
    smooth: float = 0.06  # probability
    sharpen: float = 0.1  # probability
    messenger: float = 0.2  # probability that a messenger rescales and compresses instead of the last steps
    messenger_again: float = 0.5  # probability that it is forwarded, given that
    screenshot: float = 0.1  # probability of a screenshot instead of the last steps
    screenshot_jpeg: float = 0.5  # probability that it is saved as JPEG and not as PNG, given that
    video: float = 0.12  # probability of a video's compression instead of the last steps

    def apply(self, image: Image.Image, box: Box, random: np.random.Generator) -> tuple[Image.Image, Box]:
        """Degrade an image at random, and return it and the face box, scaled together."""

        def chance(probability: float) -> bool:
            return bool(random.random() < probability)

        if chance(self.untouched):
            return image, box
        first: list[tuple[float, Callable[[Image.Image], Image.Image]]] = [
            (self.color, lambda p: shift_color(p, random)),
            (self.smooth, lambda p: smooth(p, float(random.uniform(0.3, 0.9)))),
            (self.sharpen, lambda p: sharpen(p, float(random.uniform(1.2, 2.5)))),
            (self.grayscale, grayscale),
            (self.occlude, lambda p: occlude(p, box, random)),
            (self.recompress * self.recompress_again, lambda p: self._recompress(p, random)),
        ]
        drawn = [step for probability, step in first if chance(probability)]  # before any of them draws
        for step in drawn:
            image = step(image)
        way = random.random()
        if way < self.messenger:
            return self._send(image, box, random)
        if way < self.messenger + self.screenshot:
            return self._capture(image, box, random)
        if way < self.messenger + self.screenshot + self.video:
            return self._compress_as_frame(image, box, random)
        return self._share(image, box, random)

    def _share(self, image: Image.Image, box: Box, random: np.random.Generator) -> tuple[Image.Image, Box]:
        """Apply the last steps in any combination: rescaling, blur, noise, compression."""
        image, box = self._shrink(image, box, random)
        if random.random() < self.blur:
            image = blur(image, float(random.uniform(0.2, self.blur_sigma) * min(1.0, box.max_side / 120)))
        if random.random() < self.noise:
            image = add_noise(image, float(random.uniform(0.005, self.noise_sigma)), random)
        if random.random() < self.recompress:
            image = self._recompress(image, random)
        return image, box

    def _send(self, image: Image.Image, box: Box, random: np.random.Generator) -> tuple[Image.Image, Box]:
        """Send the photo that the image was cut from with a messenger, once or twice.

        The photo's longest side is limited, so that a face shrinks by its share of the photo.
        """
        share = float(np.exp(random.uniform(*np.log(_FACE_SHARES))))
        side = float(random.uniform(*_MESSENGER_SIDES)) * share
        for _ in range(1 + (random.random() < self.messenger_again)):
            factor = min(1.0, max(side, self.smallest_side) / box.max_side)
            resample = _INTERPOLATIONS[random.integers(len(_INTERPOLATIONS))]
            if factor < 1:
                image, box = rescale(image, factor, resample), box.scaled(factor)
            image = recompress(image, int(random.integers(*_MESSENGER_QUALITY)), "JPEG")
            side *= float(random.uniform(0.8, 1.2))
        return image, box

    def _capture(self, image: Image.Image, box: Box, random: np.random.Generator) -> tuple[Image.Image, Box]:
        """Take a screenshot: resampled to the size on a screen, saved as PNG or JPEG."""
        least = min(1.0, self.smallest_side / box.max_side)
        factor = max(least, float(np.exp(random.uniform(*np.log(_SCREEN_FACTORS)))))
        image = rescale(image, factor, _INTERPOLATIONS[random.integers(len(_INTERPOLATIONS))])
        if random.random() < self.screenshot_jpeg:
            image = recompress(image, int(random.integers(*self.quality)), "JPEG")
        return image, box.scaled(factor)

    def _shrink(self, image: Image.Image, box: Box, random: np.random.Generator) -> tuple[Image.Image, Box]:
        """Rescale at times, by at most so much that the face keeps the smallest side."""
        if random.random() >= self.rescale or box.max_side <= self.smallest_side:
            return image, box
        side = np.exp(random.uniform(np.log(self.smallest_side), np.log(box.max_side)))
        factor = float(side / box.max_side)
        image = rescale(image, factor, _INTERPOLATIONS[random.integers(len(_INTERPOLATIONS))])
        return image, box.scaled(factor)

    def _compress_as_frame(
        self, image: Image.Image, box: Box, random: np.random.Generator
    ) -> tuple[Image.Image, Box]:
        """Take a frame of a video, whose frames are often smaller than photos."""
        image, box = self._shrink(image, box, random)
        codec = tuple(_CODECS)[random.integers(len(_CODECS))]
        quality = int(random.integers(*_CODECS[codec], endpoint=True))
        return compress_as_frame(image, codec, quality), box

    def _recompress(self, image: Image.Image, random: np.random.Generator) -> Image.Image:
        kind = "WEBP" if random.random() < self.webp else "JPEG"
        return recompress(image, int(random.integers(*self.quality)), kind)
