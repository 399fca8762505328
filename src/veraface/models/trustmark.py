"""Decoders of the TrustMark watermark: ONNX files that a user has downloaded; none is part of Veraface.

Sizes, crop and range of the pixels are those of adobe/trustmark (rust/src/lib.rs, image_processing.rs).
"""

import hashlib
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.errors import ModelError
from veraface.models.onnx_session import open_session

_NAME = re.compile(r"decoder_([BCPQ])\.onnx")
_SIDES = {"B": 256, "C": 256, "P": 224, "Q": 256}  # px of the input, by variant
_ALWAYS_SQUARE = "P"  # reads the central square of any image
_MAX_ASPECT = 2  # beyond it, the other variants do so too
_BITS = 100  # of a message, see veraface.forensics.trustmark
_MAX_BYTES = 256 * 2**20  # of a file; the published ones have up to 47 MB


class TrustMarkDecoder:
    """One decoder network; safe to share between threads.

    Attributes:
        name: TrustMark with its variant, such as "TrustMark Q"; a mark is read by its own variant only.
        sha256: of the file.
    """

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        """Load `decoder_Q.onnx` or that of another variant, named as published.

        Raises:
            ModelError: it is missing, has another name, or is no TrustMark decoder.
        """
        named = _NAME.fullmatch(path.name)
        if named is None:
            raise ModelError(
                f"{path}: a TrustMark decoder is named as published, such as decoder_Q.onnx or decoder_P.onnx"
            )
        variant = named[1]
        self.name = f"TrustMark {variant}"
        self._path, self._side, self._square = path, _SIDES[variant], variant == _ALWAYS_SQUARE
        content = _read(path)
        self.sha256 = hashlib.sha256(content).hexdigest()
        try:
            self._session = open_session(content, threads)
        except Exception as error:  # ONNX Runtime's exceptions are not public
            raise ModelError(f"{path}: cannot be loaded as an ONNX file; download it again") from error
        self.read_bits(Image.new("RGB", (self._side, self._side), "gray"))

    def read_bits(self, image: Image.Image) -> NDArray[np.bool_]:
        """Return the 100 bits that it reads from an upright RGB image at full size.

        Raises:
            ModelError: the file is no TrustMark decoder.
        """
        width, height = image.size
        short = min(width, height)
        if self._square or max(width, height) > _MAX_ASPECT * short:
            left, top = (width - short) // 2, (height - short) // 2
            image = image.crop((left, top, left + short, top + short))
        small = image.convert("RGB").resize((self._side, self._side), Image.Resampling.BILINEAR)
        pixels = np.asarray(small, np.float32).transpose(2, 0, 1)[None] / np.float32(127.5) - 1
        try:
            (found,) = self._session.run(["output"], {"image": pixels})
            logits = np.asarray(found, np.float32).reshape(1, _BITS)
        except Exception as error:
            raise ModelError(
                f"{self._path}: is no TrustMark decoder, which takes 'image' (1, 3, {self._side}, "
                f"{self._side}) and returns 'output' (1, {_BITS})"
            ) from error
        return np.asarray(logits[0] > 0)


def load_trustmark(path: Path | str | None, *, threads: int = 0) -> tuple[TrustMarkDecoder, ...]:
    """Return the decoder in a file, or all in a folder by name; none for None.

    Raises:
        ModelError: there is no decoder, or one cannot be used.
    """
    if path is None:
        return ()
    path = Path(path)
    files = sorted(file for file in path.iterdir() if _NAME.fullmatch(file.name)) if path.is_dir() else [path]
    if not files:
        raise ModelError(f"{path}: has no TrustMark decoder, such as decoder_Q.onnx, in it")
    return tuple(TrustMarkDecoder(file, threads=threads) for file in files)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read: {error.strerror}; Veraface does not download TrustMark's decoders, "
            "see docs/provenance.md"
        ) from error
    if len(content) > _MAX_BYTES:
        raise ModelError(f"{path}: is too large for a TrustMark decoder; at most {_MAX_BYTES >> 20} MiB")
    return content
