"""Contents of the response for an analyzed image."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from PIL import Image

from veraface.analysis import Analysis
from veraface.detector import Detector
from veraface.results import DetectionResult, Verdict
from veraface.server.schemas import PredictResponse, image_response, predict_response
from veraface.wording import PLAIN

Predict = Callable[..., httpx.Response]


def check_compatible_part(answer: dict[str, Any], filename: str) -> None:
    p_fake = answer["p_fake"]
    prediction = answer["prediction"]
    certain = {"fake": "Fake", "real": "Real"}
    expected = certain.get(answer["verdict"], "Fake" if p_fake >= 0.5 else "Real")
    assert prediction["class"] == expected
    confidence = 100 * (p_fake if expected == "Fake" else 1 - p_fake)
    assert prediction["confidence"] == pytest.approx(confidence, abs=0.01)
    assert prediction["raw_score"] == pytest.approx(1 - p_fake, abs=1e-6)
    assert prediction["filename"] == filename


def test_a_face_is_classified(predict: Predict, face: bytes) -> None:
    response = predict(face, "holiday.jpg")
    assert response.status_code == 200
    answer = response.json()
    assert answer["success"] is True
    assert answer["verdict"] in ("fake", "real", "uncertain")
    assert (answer["width"], answer["height"], answer["format"]) == (512, 512, "JPEG")
    assert set(answer["timing_ms"]) >= {"decode", "faces", "model", "total"}
    assert 0 <= answer["thresholds"]["real"] <= answer["thresholds"]["fake"] <= 1
    assert set(answer["model"]) == {"name", "version", "sha256"}
    (only_face,) = answer["faces"]
    x, y, width, height = only_face["box"]
    assert 0 <= x < x + width <= 512
    assert 0 <= y < y + height <= 512
    assert len(only_face["landmarks"]) == 5
    assert only_face["p_fake"] == answer["p_fake"]
    check_compatible_part(answer, "holiday.jpg")
    PredictResponse.from_json(response.content)


def test_the_response_equals_the_result_of_the_library(predict: Predict, two_faces: bytes) -> None:
    answer = predict(two_faces, heatmap="true").json()
    expected = Detector("fast").detect(two_faces).to_dict()
    faces, expected_faces = answer["faces"], expected["faces"]
    assert answer["p_fake"] == pytest.approx(expected["p_fake"], abs=1e-4)
    for name in ("verdict", "reasons", "width", "height", "format", "model", "thresholds"):
        assert answer[name] == expected[name]
    assert len(faces) == len(expected_faces) == 2
    for got, wanted in zip(faces, expected_faces, strict=True):
        assert got["box"] == wanted["box"]
        assert got["verdict"] == wanted["verdict"]
        assert got["p_fake"] == pytest.approx(wanted["p_fake"], abs=1e-4)
        assert got["heatmap"]["box"] == wanted["heatmap"]["box"]


def test_the_heatmap_comes_only_when_asked_for(predict: Predict, face: bytes) -> None:
    assert "heatmap" not in predict(face).json()["faces"][0]
    assert "heatmap" not in predict(face, heatmap="false").json()["faces"][0]
    heatmap = predict(face, heatmap="true").json()["faces"][0]["heatmap"]
    assert len(heatmap["box"]) == 4
    assert len({len(row) for row in heatmap["grid"]}) == 1
    assert all(0 <= value <= 1 for row in heatmap["grid"] for value in row)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_other_formats_are_analyzed(
    predict: Predict, portrait: Image.Image, encode: Callable[..., bytes], kind: str
) -> None:
    response = predict(encode(portrait, kind), "image")
    assert response.status_code == 200, response.text
    assert response.json()["format"] == kind


def test_photos_are_analyzed(predict: Predict, real_and_fake_photos: list[tuple[str, bytes]]) -> None:
    for path, content in real_and_fake_photos:
        response = predict(content, path)
        assert response.status_code == 200, (path, response.text)
        check_compatible_part(response.json(), path.rsplit("/", 1)[-1])


def test_the_file_name_comes_back_plain(predict: Predict, face: bytes) -> None:
    named = {"../../etc/passwd": "passwd", "C:\\My Images\\me.jpg": "me.jpg", "<b>.jpg": "<b>.jpg"}
    for sent, shown in named.items():
        assert predict(face, sent).json()["prediction"]["filename"] == shown
    assert len(predict(face, "x" * 3000).json()["prediction"]["filename"]) == 255


@pytest.mark.parametrize(
    ("verdict", "p_fake", "shown", "confidence"),
    [
        (Verdict.FAKE, 0.9, "Fake", 90.0),
        (Verdict.REAL, 0.1, "Real", 90.0),
        (Verdict.UNCERTAIN, 0.5, "Fake", 50.0),
        (Verdict.UNCERTAIN, 0.49, "Real", 51.0),
        (Verdict.UNCERTAIN, 0.98, "Fake", 98.0),
    ],
)
def test_older_clients_get_one_of_two_classes(
    verdict: Verdict, p_fake: float, shown: str, confidence: float
) -> None:
    model = {"name": "m", "version": "1", "sha256": "0"}
    result = DetectionResult(verdict, p_fake, (), (), 9, 9, "PNG", model, {"real": 0.3, "fake": 0.7}, {})
    prediction = predict_response(image_response(Analysis(result), PLAIN, None), "a.png").to_dict()[
        "prediction"
    ]
    assert prediction == {
        "class": shown,
        "confidence": confidence,
        "raw_score": pytest.approx(1 - p_fake),
        "filename": "a.png",
    }


def test_older_clients_can_ask_whether_the_model_is_loaded(client: httpx.Client) -> None:
    status = client.get("/api/model-status").json()
    assert status["loaded"] is True
    assert {"name", "version", "sha256"} <= set(status)


def test_the_whole_model_card_is_served(client: httpx.Client) -> None:
    card = json.loads(json.dumps(Detector("fast").card.to_dict()))
    assert client.get("/api/model").json() == card


def test_alive_and_ready(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}
