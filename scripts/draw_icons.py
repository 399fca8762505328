"""Draw the icons of the extension and of the installed page: the logo of static/favicon.svg, as PNG files.

python scripts/draw_icons.py
"""

from pathlib import Path

from PIL import Image, ImageDraw

ROOT = Path(__file__).parent.parent
EXTENSION, EXTENSION_SIZES = ROOT / "extension" / "icons", (16, 32, 48, 128)
PAGE, PAGE_SIZES = ROOT / "src" / "veraface" / "server" / "static" / "icons", (192, 512)
MASKABLE = 512  # px; platforms crop a maskable icon to a safe zone of the inner 80%
SUPERSAMPLING = 8  # supersampling factor
BACKGROUND, CORNER, LETTER = "#15171c", "#8b93a7", "#7aa2ff"
CORNERS = ((7, 7, 1, 1), (25, 7, -1, 1), (25, 25, -1, -1), (7, 25, 1, -1))  # x, y and the inward direction


def main() -> None:
    """Draw every size."""
    for folder, sizes, name in ((EXTENSION, EXTENSION_SIZES, "{}.png"), (PAGE, PAGE_SIZES, "icon-{}.png")):
        folder.mkdir(parents=True, exist_ok=True)
        for size in sizes:
            mark(size).save(folder / name.format(size), optimize=True)
    maskable = Image.new("RGB", (MASKABLE, MASKABLE), BACKGROUND)
    inner = mark(MASKABLE * 4 // 5)
    maskable.paste(inner, ((MASKABLE - inner.width) // 2, (MASKABLE - inner.height) // 2), inner)
    maskable.save(PAGE / f"maskable-{MASKABLE}.png", optimize=True)


def mark(size: int) -> Image.Image:
    """Return the logo, `size` pixels wide, on a transparent background."""
    unit = size * SUPERSAMPLING / 32  # the logo is drawn on a grid of 32 by 32
    # At 16 px the strokes of the vector would be thinner than a pixel.
    heavier = 1.35 if size < 32 else 1.0
    image = Image.new("RGBA", (size * SUPERSAMPLING, size * SUPERSAMPLING))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, size * SUPERSAMPLING - 1, size * SUPERSAMPLING - 1), 8 * unit, BACKGROUND)
    for x, y, right, down in CORNERS:
        points = [(x, y + 5 * down), (x, y + 2 * down)]
        points += [(x + 0.6 * right, y + 0.6 * down), (x + 2 * right, y), (x + 5 * right, y)]
        stroke(draw, points, CORNER, 2 * heavier, unit)
    stroke(draw, [(11, 12.5), (16, 20.5), (21, 12.5)], LETTER, 2.6 * heavier, unit)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def stroke(
    draw: ImageDraw.ImageDraw, points: list[tuple[float, float]], color: str, width: float, unit: float
) -> None:
    """Draw a line with round ends and joints."""
    scaled = [(x * unit, y * unit) for x, y in points]
    draw.line(scaled, color, round(width * unit))
    reach = width * unit / 2
    for x, y in scaled:
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), color)


if __name__ == "__main__":
    main()
