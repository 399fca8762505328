"""Write what the fuzzer starts from: one tiny file of each kind, and inputs found by earlier runs.

python -m tests.fuzz.make_corpus        # writes the tiny files anew
python -m tests.fuzz.make_corpus NEW    # adds the inputs in the folder NEW to the archive of found inputs
"""

import sys
import zipfile
from pathlib import Path

from PIL import Image

from tests.sample_images import encode, exif_with, portrait

CORPUS = Path(__file__).parent / "corpus"
FOUND = Path(__file__).parent / "found.zip"


def corpus() -> dict[str, bytes]:
    """Content by file name."""
    image = portrait(16)
    moving = {"save_all": True, "append_images": [image.rotate(90)], "duration": 100}
    return {
        "exif.jpg": encode(image, "JPEG", exif=exif_with(6)),
        "progressive.jpg": encode(image, "JPEG", progressive=True),
        "cmyk.jpg": encode(image.convert("CMYK"), "JPEG"),
        "phone.mpo": encode(image, "MPO", save_all=True, append_images=[image]),
        "exif.png": encode(image, "PNG", exif=exif_with(6)),
        "palette.png": encode(image.quantize(8), "PNG", transparency=0),
        "deep.png": encode(Image.new("I;16", (16, 16), 40_000), "PNG"),
        "moving.png": encode(image, "PNG", **moving),
        "lossy.webp": encode(image, "WEBP", exif=exif_with(6)),
        "lossless.webp": encode(image.convert("RGBA"), "WEBP", lossless=True),
        "moving.webp": encode(image, "WEBP", **moving),
        "still.avif": encode(image, "AVIF"),
        "moving.avif": encode(image, "AVIF", **moving),
        "exif.heic": encode(image, "HEIF", exif=exif_with(6)),
        "tiles.heic": encode(portrait(128), "HEIF", tile_size=64, quality=20),
        "still.gif": encode(image.quantize(8), "GIF"),
        "moving.gif": encode(image.quantize(8), "GIF", **moving),
        "true.bmp": encode(image, "BMP"),
        "palette.bmp": encode(image.quantize(8), "BMP"),
        "plain.tiff": encode(image, "TIFF", exif=exif_with(6)),
        "lzw.tiff": encode(image, "TIFF", compression="tiff_lzw"),
        "jpeg.tiff": encode(image, "TIFF", compression="jpeg"),
        "group4.tiff": encode(image.convert("1"), "TIFF", compression="group4"),
        "big.tiff": encode(image, "TIFF", big_tiff=True, compression="tiff_adobe_deflate"),
    }


def keep(folder: Path) -> None:
    """Add the folder's files, named by the digest of their content, to the found inputs."""
    with zipfile.ZipFile(FOUND, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        known = set(archive.namelist())
        for file in sorted(folder.iterdir()):
            if file.name not in known:
                archive.writestr(zipfile.ZipInfo(file.name), file.read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        keep(Path(argument))
    if sys.argv[1:]:
        sys.exit()
    CORPUS.mkdir(exist_ok=True)
    for name, content in corpus().items():
        (CORPUS / name).write_bytes(content)
