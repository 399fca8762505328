"""From what was found out of an image to the rows of the table: one for it, one for each of its faces."""

from collections.abc import Iterator, Mapping
from typing import Any

from veraface.scan.item import as_text

Record = dict[str, Any]  # all that is kept of one image, JSON-ready; see `judged` and `failed`

# Of both kinds of rows, in their order. Types as Arrow names them.
COLUMNS: dict[str, str] = {
    "row": "string",  # "picture" or "face"
    "path": "string",  # where the image lies, archive and member included
    "face": "int32",  # faces: 0 for the largest; images: none
    "verdict": "string",  # fake, real, uncertain, no_face; none where there is an error
    "p_fake": "float64",  # calibrated probability of fake, 0 to 1; of an image, the largest of its faces'
    "box_x": "float64",  # faces: left edge, pixels of the upright image
    "box_y": "float64",  # top edge
    "box_width": "float64",
    "box_height": "float64",
    "detection_score": "float64",  # faces: how sure it is that this is a face, 0 to 1
    "reasons": "list<string>",  # codes; see docs/api.md
    "faces": "int32",  # images: how many were found
    "width": "int32",  # of the upright image, pixels
    "height": "int32",
    "format": "string",  # JPEG, PNG, ...
    "size": "int64",  # of the file, bytes
    "modified": "float64",  # seconds since 1970
    "sha256": "string",  # of the file
    "perceptual_hash": "string",  # 16 hexadecimal digits; alike for images that look alike
    "duplicate_of": "string",  # images: the path of the first one that looks the same
    "error": "string",  # code of why it could not be judged
    "error_message": "string",
    "model": "string",  # name and version
    "model_sha256": "string",
    "milliseconds": "float64",  # that judging took, without waiting and reading
}


def judged(result: Mapping[str, Any]) -> Record:
    """What is kept of an image that was judged; `result` as the task `scan` gives it."""
    kept = ("verdict", "p_fake", "faces", "width", "height", "format", "perceptual_hash")
    times = result["timing_ms"]
    return {
        **{name: result[name] for name in kept},
        "reasons": [reason["code"] for reason in result["reasons"]],
        "milliseconds": round(times["total"] - times.get("queue", 0.0), 2),
    }


def failed(code: str, message: str) -> Record:
    """What is kept of one that could not be."""
    return {"error": code, "error_message": message}


def rows(
    path: str, facts: Mapping[str, Any], record: Record, duplicate_of: str | None, model: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """The rows of one image.

    Args:
        path: Of the image.
        facts: What is known of its file: size, modified, sha256, as far as they are.
        record: As `judged` or `failed` made it.
        duplicate_of: The path of the first image that looks the same, if that is another one.
        model: Columns of the model: `model`, `model_sha256`.

    Yields:
        A row for the image, then one for each face; all have all `COLUMNS`.
    """
    empty = dict.fromkeys(COLUMNS)
    faces = record.get("faces")
    image = {name: value for name, value in record.items() if name != "faces"}
    if "error_message" in image:
        image["error_message"] = as_text(image["error_message"])
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
