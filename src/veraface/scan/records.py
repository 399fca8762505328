"""Convert results to table rows: one for each image and one for each of its faces."""

from collections.abc import Iterator, Mapping
from typing import Any

from veraface.scan.item import to_utf8

Record = dict[str, Any]  # the stored result of one image, JSON-ready; see `result_record` and `error_record`

# Columns of image rows and face rows in table order, with their Arrow types.
COLUMNS: dict[str, str] = {
    "row": "string",  # "picture" or "face"
    "path": "string",  # location of the image, with archive and member
    "face": "int32",  # face rows: index, 0 for the largest face
    "verdict": "string",  # fake, real, uncertain, no_face; empty if there is an error
    "p_fake": "float64",  # calibrated probability that the face is fake, 0 to 1; of an image, the maximum
    "box_x": "float64",  # face rows: left edge, pixels of the upright image
    "box_y": "float64",  # top edge
    "box_width": "float64",
    "box_height": "float64",
    "detection_score": "float64",  # face rows: confidence of the face detector, 0 to 1
    "reasons": "list<string>",  # codes; see docs/api.md
    "faces": "int32",  # image rows: number of faces
    "width": "int32",  # of the upright image, pixels
    "height": "int32",
    "format": "string",  # JPEG, PNG, ...
    "size": "int64",  # of the file, bytes
    "modified": "float64",  # seconds since 1970
    "sha256": "string",  # of the file
    "perceptual_hash": "string",  # 16 hexadecimal digits; near-duplicates have similar hashes
    "duplicate_of": "string",  # image rows: path of the first near-duplicate
    "error": "string",  # code of the error
    "error_message": "string",
    "model": "string",  # name and version
    "model_sha256": "string",
    "milliseconds": "float64",  # analysis time, without reading and waiting
}


def result_record(result: Mapping[str, Any]) -> Record:
    """Return the record of an analyzed image; `result` as returned by the worker task `scan`."""
    names = ("verdict", "p_fake", "faces", "width", "height", "format", "perceptual_hash")
    times = result["timing_ms"]
    return {
        **{name: result[name] for name in names},
        "reasons": [reason["code"] for reason in result["reasons"]],
        "milliseconds": round(times["total"] - times.get("queue", 0.0), 2),
    }


def error_record(code: str, message: str) -> Record:
    """Return the record of an image that could not be analyzed."""
    return {"error": code, "error_message": message}


def table_rows(
    path: str, facts: Mapping[str, Any], record: Record, duplicate_of: str | None, model: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the row of an image, then one row for each face; all have all `COLUMNS`.

    Args:
        path: Table path of the image.
        facts: Known properties of the file: size, modified, sha256.
        record: See `result_record` and `error_record`.
        duplicate_of: Path of the first near-duplicate, if there is one.
        model: The columns `model` and `model_sha256`.
    """
    empty = dict.fromkeys(COLUMNS)
    faces = record.get("faces")
    image = {name: value for name, value in record.items() if name != "faces"}
    if "error_message" in image:
        image["error_message"] = to_utf8(image["error_message"])
    number = None if faces is None else len(faces)
    yield {
        **empty, **facts, **image, **model,
        "row": "picture", "path": path, "faces": number, "duplicate_of": duplicate_of,
    }  # fmt: skip
    for index, face in enumerate(faces or ()):
        x, y, width, height = face["box"]
        yield {
            **empty,
            **model,
            "row": "face",
            "path": path,
            "face": index,
            "verdict": face["verdict"],
            "p_fake": face["p_fake"],
            "box_x": x,
            "box_y": y,
            "box_width": width,
            "box_height": height,
            "detection_score": face["detection_score"],
            "reasons": [reason["code"] for reason in face["reasons"]],
            "sha256": facts.get("sha256"),
        }
