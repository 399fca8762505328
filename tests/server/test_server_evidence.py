"""POST /api/evidence: the same way in and the same refusals as /api/predict, and views of pixels only."""

import base64
import io
import re
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
import schemathesis
from PIL import Image
from schemathesis.core.transport import Response

from tests.server.asgi import application
from veraface.forensics.views import forensic_views
from veraface.imaging.decode import ImageFile
from veraface.server.security import digest

Send = Callable[..., httpx.Response]
NAMES = ["error_levels", "noise", "grid"]


@pytest.fixture(scope="module")
def ask(client: httpx.Client) -> Send:
    """Sends an image to /api/evidence as any client would."""

    def send(content: bytes, filename: str = "image.jpg") -> httpx.Response:
        return client.post("/api/evidence", files={"image": (filename, content)})

    return send


def view(answer: dict[str, Any], name: str) -> np.ndarray:
    found = next(view for view in answer["views"] if view["name"] == name)
    with Image.open(io.BytesIO(base64.b64decode(found["data"], validate=True))) as opened:
        assert opened.format == "WEBP"
        return np.asarray(opened.convert("L"))


def test_the_answer_holds_the_views_of_the_library(ask: Send, face: bytes) -> None:
    response = ask(face)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    answer = response.json()
    assert set(answer.pop("timing_ms")) == {"decode", "views", "total", "queue"}
    found = forensic_views(ImageFile(face).decode())
    assert answer == {"success": True, **found.to_dict(), "width": 512, "height": 512, "format": "JPEG"}
    assert [one["name"] for one in answer["views"]] == NAMES
    assert answer["grid_offset"] == [0, 0]
    for name in NAMES:
        assert np.abs(view(answer, name).astype(int) - found.views[name]).mean() < 8  # WebP loses a little


def test_an_image_without_faces_and_one_on_its_side_have_views_too(
    ask: Send, no_face: bytes, portrait: Image.Image, encode: Callable[..., bytes]
) -> None:
    assert ask(no_face).json()["success"] is True
    exif = Image.Exif()
    exif[0x0112] = 6
    answer = ask(encode(portrait.resize((300, 200)), exif=exif, quality=90)).json()
    assert (answer["width"], answer["height"]) == (200, 300)
    assert view(answer, "noise").shape == (300, 200)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
def test_every_format_is_taken_in_the_confined_worker(
    ask: Send, portrait: Image.Image, encode: Callable[..., bytes], kind: str
) -> None:
    answer = ask(encode(portrait.resize((96, 64)), kind)).json()
    assert (answer["format"], answer["width"], answer["height"]) == (kind, 96, 64)


def test_large_images_come_back_small(ask: Send, portrait: Image.Image, encode: Callable[..., bytes]) -> None:
    answer = ask(encode(portrait.resize((4000, 3000)), quality=85)).json()
    assert {(one["width"], one["height"]) for one in answer["views"]} == {(1000, 750)}
    assert sum(len(one["data"]) for one in answer["views"]) < 1_500_000


def test_nothing_of_the_file_but_its_pixels_is_in_the_answer(
    ask: Send, portrait: Image.Image, encode: Callable[..., bytes], server: Any
) -> None:
    exif = Image.Exif()
    exif[0x010E] = "hidden-in-exif"
    content = encode(portrait, exif=exif, comment=b"hidden-in-comment", icc_profile=b"hidden-profile" * 9)
    response = ask(content, "hidden-name.jpg")
    files = b"".join(base64.b64decode(one["data"]) for one in response.json()["views"])
    assert b"hidden" not in files
    assert b"hidden" not in response.content
    assert "hidden" not in server.log()


def test_refusals_are_those_of_predict(
    ask: Send, predict: Send, client: httpx.Client, corrupt: bytes, face: bytes
) -> None:
    for content, status, code in (
        (corrupt, 422, "unreadable_image"),
        (face[:3000], 422, "unreadable_image"),
        (b"%PDF-1.7", 415, "unsupported_image"),
        (b"", 422, "unreadable_image"),
    ):
        responses = [send(content) for send in (ask, predict)]
        assert [r.status_code for r in responses] == [status, status]
        assert [r.json()["error"]["code"] for r in responses] == [code, code]
        assert responses[0].json()["error"]["message"] == responses[1].json()["error"]["message"]
    response = client.post("/api/evidence", data={"note": "no image"})
    assert response.status_code == 400
    assert client.get("/api/evidence").status_code == 405
    for path in ("/api/evidence", "/api/predict"):
        for length, status in ((4096, 200), (4097, 400)):
            fields = {"note": "x" * length}
            response = client.post(path, files={"image": ("a.jpg", face)}, data=fields)
            assert response.status_code == status


def test_the_limits_hold(small_server: Any, portrait: Image.Image, encode: Callable[..., bytes]) -> None:
    for content in (b"\xff\xd8" + bytes(300_000), encode(portrait.resize((600, 600)), quality=50)):
        response = httpx.post(
            f"{small_server.url}/api/evidence", files={"image": ("a.jpg", content)}, timeout=60
        )
        assert response.status_code == 413
        assert response.json()["error"]["code"] == "image_too_large"


def test_keys_and_rates_apply(face: bytes) -> None:
    key = "vf_evidence"
    with application(api_keys=digest(key), rate_limit="2/minute") as client:

        def post(**headers: str) -> int:
            files = {"image": ("a.jpg", face)}
            return int(client.post("/api/evidence", files=files, headers=headers).status_code)

        assert post() == 401
        assert post(**{"X-API-Key": "vf_other"}) == 401
        assert post(Authorization="Bearer vf_other") == 401
        assert [post(**{"X-API-Key": key}) for _ in range(3)] == [200, 200, 429]


def test_links_are_taken_where_predict_takes_them(client: httpx.Client) -> None:
    response = client.post("/api/evidence", files={"url": (None, "https://example.org/a.jpg")})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "links_not_enabled")


def test_answers_are_as_documented(ask: Send, server: Any, face: bytes, corrupt: bytes) -> None:
    document = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    for content in (face, corrupt, b"GIF8"):
        response = ask(content)
        response.request.read()
        document["/api/evidence"]["POST"].validate_response(Response.from_httpx(response, verify=True))


def test_views_do_not_hold_up_verdicts_or_change_them(ask: Send, predict: Send, face: bytes) -> None:
    before = predict(face).json()
    ask(face)
    after = predict(face).json()
    assert (before["p_fake"], before["faces"]) == (after["p_fake"], after["faces"])
    assert re.fullmatch("[0-9a-f]{64}", after["model"]["sha256"])
