"""What the world does to images on their way: rescaling, recompression, blur, noise, loss of color.

The same for real and fake, so that neither class can be told by its history. Pillow and NumPy only:
training, calibration and robustness tests share this room.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from veraface.geometry import Box
from veraface.imaging.decode import recompress

_INTERPOLATIONS = (
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
    Image.Resampling.BOX,
)


def rescale(image: Image.Image, factor: float, resample: Image.Resampling) -> Image.Image:
    """Change both sides by `factor`, to at least one pixel."""
    return image.resize((max(1, round(image.width * factor)), max(1, round(image.height * factor))), resample)


def blur(image: Image.Image, sigma: float) -> Image.Image:
    """Gaussian blur with a standard deviation of `sigma` pixels."""
    return image.filter(ImageFilter.GaussianBlur(sigma))


def add_noise(image: Image.Image, sigma: float, random: np.random.Generator) -> Image.Image:
    """Gaussian noise, the same in all channels or not at random; `sigma` is a share of full scale."""
    channels = 1 if random.random() < 0.5 else 3
    noise = random.normal(0.0, 255 * sigma, (image.height, image.width, channels))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def greyscale(image: Image.Image) -> Image.Image:
    """Drop the color, keep three channels."""
    return image.convert("L").convert("RGB")


def shift_colour(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Brightness, contrast and saturation changed by up to 25 % each."""
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(float(random.uniform(0.75, 1.25)))
    return image


def smooth(image: Image.Image, share: float) -> Image.Image:
    """Softened skin, as beauty filters leave it; `share` of 0 to 1 is the filter's part in the result."""
    return Image.blend(image, image.filter(ImageFilter.MedianFilter(5)), share)


def sharpen(image: Image.Image, factor: float) -> Image.Image:
    """Sharpness raised by `factor`, 1 for none, as cameras and photo programs do."""
    return ImageEnhance.Sharpness(image).enhance(factor)


def occlude(image: Image.Image, box: Box, random: np.random.Generator) -> Image.Image:
    """Cover a part of the face, up to a tenth of its area, with a flat color."""
    width, height = (side * random.uniform(0.1, 0.32) for side in (box.width, box.height))
    left = box.x + random.uniform(0, box.width - width)
    top = box.y + random.uniform(0, box.height - height)
    color = tuple(int(v) for v in random.integers(0, 256, 3))
    covered = image.copy()
    covered.paste(color, (round(left), round(top), round(left + width), round(top + height)))
    return covered


@dataclass(frozen=True)
class Degradations:
    """How often each degradation happens (0 to 1), and how strong it may be."""

    untouched: float = 0.35  # images that are left as they are
    rescale: float = 0.45
    smallest_side: float = 64  # px that a face may shrink to
    blur: float = 0.2
    blur_sigma: float = 1.8
    noise: float = 0.2
    noise_sigma: float = 0.05
    colour: float = 0.3
    greyscale: float = 0.12
    recompress: float = 0.7
    recompress_again: float = 0.3
    webp: float = 0.25  # of recompressions, the rest JPEG
    quality: tuple[int, int] = (35, 97)
    occlude: float = 0.1
    smooth: float = 0.06
    sharpen: float = 0.1

    def apply(self, image: Image.Image, box: Box, random: np.random.Generator) -> tuple[Image.Image, Box]:
        """A random history for one image; returns the image and its face box, both rescaled alike."""

        def chance(probability: float) -> bool:
            return bool(random.random() < probability)

        if chance(self.untouched):
            return image, box
        steps: list[Callable[[Image.Image], Image.Image]] = []
        if chance(self.colour):
            steps.append(lambda p: shift_colour(p, random))
        if chance(self.smooth):
            steps.append(lambda p: smooth(p, float(random.uniform(0.3, 0.9))))
        if chance(self.sharpen):
            steps.append(lambda p: sharpen(p, float(random.uniform(1.2, 2.5))))
        if chance(self.greyscale):
            steps.append(greyscale)
        if chance(self.occlude):
            steps.append(lambda p: occlude(p, box, random))
        if chance(self.recompress * self.recompress_again):
            steps.append(lambda p: self._recompress(p, random))
        for step in steps:
            image = step(image)
        if chance(self.rescale) and box.max_side > self.smallest_side:
            side = np.exp(random.uniform(np.log(self.smallest_side), np.log(box.max_side)))
            factor = float(side / box.max_side)
            image = rescale(image, factor, _INTERPOLATIONS[random.integers(len(_INTERPOLATIONS))])
            box = box.scaled(factor)
        if chance(self.blur):
            image = blur(image, float(random.uniform(0.2, self.blur_sigma) * min(1.0, box.max_side / 120)))
        if chance(self.noise):
            image = add_noise(image, float(random.uniform(0.005, self.noise_sigma)), random)
        if chance(self.recompress):
            image = self._recompress(image, random)
        return image, box

    def _recompress(self, image: Image.Image, random: np.random.Generator) -> Image.Image:
        kind = "WEBP" if random.random() < self.webp else "JPEG"
        return recompress(image, int(random.integers(*self.quality)), kind)
