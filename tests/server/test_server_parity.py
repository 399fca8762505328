"""The same image gets the same digits from library, command line and server, alone or in a crowd.

All with the default model.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image, ImageEnhance

from tests.sample_colors import icc_profile
from tests.server.conftest import RunningServer
from veraface.detector import Detector
from veraface.models.crop import crop_face
from veraface.models.registry import load_model

Predict = Callable[..., httpx.Response]
SIDE = 256

detector = cache(Detector)


@pytest.fixture(scope="module")
def predict(server_with_default_model: RunningServer) -> Predict:
    """Sends an image to a server with the default model."""

    def send(content: bytes, filename: str = "image.jpg", **params: str) -> httpx.Response:
        files = {"image": (filename, content)}
        url = f"{server_with_default_model.url}/api/predict"
        return httpx.post(url, files=files, params=params, timeout=300)

    return send


@pytest.fixture(scope="module")
def people(portrait: Image.Image) -> list[Image.Image]:
    """Sixteen images of a face, each another one to a classifier."""
    face = portrait.crop((100, 0, 100 + SIDE, SIDE))
    mirrored = face.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return [
        ImageEnhance.Brightness(ImageEnhance.Color((face, mirrored)[i % 2]).enhance(0.4 + 0.1 * i)).enhance(
            0.7 + 0.05 * i
        )
        for i in range(16)
    ]


@pytest.fixture(scope="module")
def crowd(people: list[Image.Image]) -> Image.Image:
    """One image of all 16."""
    page = Image.new("RGB", (4 * 320, 4 * 320), "grey")
    for i, one in enumerate(people):
        page.paste(one, (32 + 320 * (i % 4), 32 + 320 * (i // 4)))
    return page


def four(crowd: Image.Image) -> Image.Image:
    """Its first row."""
    return crowd.crop((0, 0, 4 * 320, 320))


@pytest.fixture(scope="module")
def files(
    people: list[Image.Image], crowd: Image.Image, encode: Callable[..., bytes], tmp_path_factory: Any
) -> dict[Path, bytes]:
    """Files of one face, of four and of sixteen, of several kinds, one reduced while it is decoded."""
    contents = {
        "one.jpg": encode(people[0], "JPEG", quality=92),
        "one.png": encode(people[1], "PNG"),
        "one.webp": encode(people[2], "WEBP"),
        "p3.jpg": encode(people[4], "JPEG", quality=92, icc_profile=icc_profile("Display P3")),
        "large.jpg": encode(people[3].resize((2400, 2400)), "JPEG", quality=90),
        "frames.gif": encode(people[5], "GIF", save_all=True, append_images=people[6:10]),
        "four.png": encode(four(crowd), "PNG"),
        "crowd.png": encode(crowd, "PNG"),
    }
    folder = tmp_path_factory.mktemp("parity")
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {folder / name: content for name, content in contents.items()}


def digits(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what every interface reports of an image, as text in which no digit may differ."""
    names = ("verdict", "p_fake", "faces", "reasons", "width", "height", "format", "model", "thresholds")
    return {name: json.dumps(answer[name], sort_keys=True) for name in names}


def from_library(image: Any, **options: Any) -> dict[str, Any]:
    return digits(json.loads(json.dumps(detector(**options).detect(image).to_dict())))


def comparable(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    return digits(response.json())


def test_all_surfaces_give_the_same_digits(files: dict[Path, bytes], predict: Predict) -> None:
    start = "import sys; from veraface.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", start, "detect", "--json", *map(str, files)]
    finished = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    from_command_line = [digits(json.loads(line)) for line in finished.stdout.splitlines()]
    for (path, content), by_command in zip(files.items(), from_command_line, strict=True):
        if path.name == "frames.gif":  # the library takes it for a still, or for a video
            assert "several_frames" in by_command["reasons"]
            assert comparable(predict(content, path.name, heatmap="true")) == by_command
            continue
        expected = from_library(content)
        assert len(json.loads(expected["faces"])) == {"crowd": 16, "four": 4}.get(path.stem, 1)
        if path.stem != "crowd":  # whose faces take seconds
            assert from_library(path) == expected, path.name
            assert from_library(content, threads=1) == expected, path.name
        assert by_command == expected, path.name
        assert comparable(predict(content, path.name, heatmap="true")) == expected, path.name


def test_pixels_give_the_same_digits_as_their_file(files: dict[Path, bytes], crowd: Image.Image) -> None:
    (path,) = (path for path in files if path.name == "four.png")
    expected = {**from_library(path), "format": '"pixels"'}
    assert from_library(four(crowd)) == expected
    assert from_library(np.asarray(four(crowd))) == expected


def test_eight_at_once_get_the_digits_that_each_gets_alone(
    predict: Predict, people: list[Image.Image], encode: Callable[..., bytes]
) -> None:
    contents = [encode(one, "PNG") for one in people[::2]]

    def send(content: bytes) -> dict[str, Any]:
        while (response := predict(content, heatmap="true")).status_code == 503:
            assert response.json()["error"]["code"] == "overloaded"  # a machine of few cores: sent again
        return comparable(response)

    alone = [send(content) for content in contents]
    assert len({answer["p_fake"] for answer in alone}) == 8
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(send, contents)) == alone


def test_the_model_scores_one_crop_as_in_a_batch_of_sixteen(people: list[Image.Image]) -> None:
    model = load_model()
    boxes = [detector().detect(one, heatmap=False).faces[0].box for one in people]
    crops = np.stack([crop_face(one, box, model.card.crop) for one, box in zip(people, boxes, strict=True)])
    logits, evidence = model.predict(crops)
    for i in range(16):
        one_logit, one_evidence = model.predict(crops[i : i + 1])
        assert np.array_equal(one_logit[0], logits[i])
        assert np.array_equal(one_evidence[0], evidence[i])
