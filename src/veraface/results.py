"""Result types of a detection. Each is defined once, for Python, for JSON and for the schema of the API."""

import ast
from base64 import b64decode, b64encode
from dataclasses import dataclass, field, is_dataclass
from enum import StrEnum
from inspect import cleandoc, getsource
from itertools import pairwise
from textwrap import dedent
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from veraface.geometry import Box

if TYPE_CHECKING:  # the server process loads no NumPy
    import numpy as np
    from numpy.typing import NDArray
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
    from pydantic_core import CoreSchema

    Grid = NDArray[np.float32]

_DATA_URL = "data:image/jpeg;base64,"


class Result:
    """Base of result types: frozen dataclasses. Their fields' docstrings become descriptions in the API."""

    __pydantic_config__: ClassVar[Any] = {"json_schema_serialization_defaults_required": True}
    _omitted_if_none: ClassVar[tuple[str, ...]] = ()  # fields that JSON leaves out instead of writing null

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy with rounded numbers."""
        copy: dict[str, Any] = _adapter(type(self)).dump_python(self, mode="json", by_alias=True)
        return copy

    def to_json(self) -> bytes:
        """Return the same as UTF-8 encoded JSON."""
        return _adapter(type(self)).dump_json(self, by_alias=True)

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Validate and decode what `to_json` has encoded; raise `ValueError` if it is not of this type."""
        result: Self = _adapter(cls).validate_json(text)
        return result

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        schema = handler(source)
        dataclass_schema: Any = schema
        while dataclass_schema["type"] != "dataclass":
            dataclass_schema = handler.resolve_ref_schema(dataclass_schema)
        for declared in dataclass_schema["schema"]["fields"]:
            if declared["name"] in cls._omitted_if_none:
                declared["serialization_exclude_if"] = lambda value: value is None
        return schema

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: "CoreSchema", handler: "GetJsonSchemaHandler"
    ) -> dict[str, Any]:
        """Add the docstrings of fields. Pydantic would read them at every start: 0.2 s for a worker."""
        json_schema = handler(schema)
        own = handler.resolve_ref_schema(json_schema)["properties"]
        for base in cls.__mro__:
            if is_dataclass(base) and issubclass(base, Result):
                for name, text in _docstrings(base).items():
                    if name in own:
                        own[name].setdefault("description", text)
        return json_schema


def _docstrings(kind: type) -> dict[str, str]:
    """Return the strings below the fields of a class, by name; none where its source is not installed."""
    try:
        source = getsource(kind)
    except OSError:
        return {}
    (definition,) = ast.parse(dedent(source)).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for pair in pairwise(definition.body):
        match pair:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = cleandoc(text)
    return found


_adapters: "dict[Any, TypeAdapter[Any]]" = {}


def _adapter(kind: Any) -> "TypeAdapter[Any]":
    """Return the type's JSON encoder and decoder, made at its first use, which takes 0.1 s."""
    if kind not in _adapters:
        from pydantic import TypeAdapter

        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


@dataclass(frozen=True)
class Digits:
    """Annotation of a number: JSON holds it rounded to so many decimals."""

    decimals: int

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from pydantic import PlainSerializer

        rounded = PlainSerializer(lambda value: round(float(value), self.decimals), return_type=float)
        return rounded.__get_pydantic_core_schema__(source, handler)


class _BoxAsList:
    """Annotation of a `Box`: JSON holds x, y, width and height as a list."""

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from pydantic_core import core_schema

        numbers = core_schema.list_schema(core_schema.float_schema(), min_length=4, max_length=4)
        to_list = core_schema.plain_serializer_function_ser_schema(
            Box.to_list, return_schema=core_schema.list_schema(core_schema.float_schema())
        )
        from_list = core_schema.no_info_after_validator_function(lambda values: Box(*values), numbers)
        box = core_schema.union_schema([core_schema.is_instance_schema(Box), from_list])
        return core_schema.json_or_python_schema(from_list, box, serialization=to_list)


class _GridAsLists:
    """Annotation of a heatmap's grid: a NumPy array, or lists of numbers once it went through JSON."""

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from pydantic_core import core_schema

        rows = core_schema.list_schema(core_schema.list_schema(core_schema.float_schema()))
        to_lists = core_schema.plain_serializer_function_ser_schema(
            lambda grid: [[round(float(value), 4) for value in row] for row in grid], return_schema=rows
        )
        return core_schema.json_or_python_schema(rows, core_schema.any_schema(), serialization=to_lists)


@dataclass(frozen=True)
class _Keys:
    """Annotation of a dictionary: these keys are required."""

    names: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from pydantic_core import core_schema

        value = handler(source)["values_schema"]
        fields = {name: core_schema.typed_dict_field(value, required=True) for name in self.names}
        return core_schema.typed_dict_schema(fields, extra_behavior="allow")


if not TYPE_CHECKING:
    Grid = Annotated[Any, _GridAsLists()]

JsonBox = Annotated[Box, _BoxAsList()]


class JpegDataUrl:
    """Annotation of the bytes of a JPEG file: JSON holds them as a data URL."""

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from pydantic_core import core_schema

        url = core_schema.str_schema(pattern="^" + _DATA_URL)
        from_url = core_schema.no_info_after_validator_function(
            lambda text: b64decode(text.removeprefix(_DATA_URL), validate=True), url
        )
        to_url = core_schema.plain_serializer_function_ser_schema(
            lambda jpeg: _DATA_URL + b64encode(jpeg).decode(), return_schema=url
        )
        return core_schema.json_or_python_schema(from_url, core_schema.bytes_schema(), serialization=to_url)


Probability = Annotated[float, Digits(6)]
ProbabilityRange = tuple[Probability, Probability]
Rate = Annotated[float, Digits(4)]
Milliseconds = Annotated[float, Digits(2)]
Coordinate = Annotated[float, Digits(1)]
ClassifierInfo = Annotated[dict[str, str], _Keys(("name", "version", "sha256"))]
Thresholds = Annotated[dict[str, float], _Keys(("real", "fake"))]


class Verdict(StrEnum):
    """Decision about a face, an image or a video."""

    FAKE = "fake"
    REAL = "real"
    UNCERTAIN = "uncertain"
    NO_FACE = "no_face"


@dataclass(frozen=True)
class Reason(Result):
    """Reason for a verdict, or for doubt about it."""

    code: str
    """stable name, for programs and translations"""
    message: str
    """plain English"""


@dataclass(frozen=True, eq=False)
class Heatmap(Result):
    """Map of how much each part of a face supports fake or real."""

    box: JsonBox
    """x, y, width, height of the square the grid covers, pixels"""
    grid: Grid
    """rows x columns; 0 supports real, 0.5 is neutral, 1 supports fake"""
    angle: Annotated[float, Digits(1)] = 0.0
    """degrees clockwise by which the square is turned around its center, as the face is"""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Heatmap):
            return NotImplemented
        mine, others = ([list(map(float, row)) for row in heatmap.grid] for heatmap in (self, other))
        return (self.box, self.angle) == (other.box, other.angle) and mine == others

    def __hash__(self) -> int:
        return hash(self.box)


@dataclass(frozen=True)
class FaceResult(Result):
    """Result for one face of an image."""

    _omitted_if_none = ("heatmap",)

    box: JsonBox
    """x, y, width, height in pixels of the upright image"""
    landmarks: tuple[tuple[Coordinate, Coordinate], ...]
    """x, y of eyes, nose and mouth corners in pixels of the upright image"""
    detection_score: Annotated[float, Digits(4)]
    """confidence of the face detector, 0 to 1"""
    p_fake: Probability | None
    """calibrated probability that the face is fake, 0 real to 1 fake; null: not classified"""
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    """most important first"""
    heatmap: Heatmap | None = None
    """absent if it was not requested or the face was not classified"""
    p_fake_range: ProbabilityRange | None = None
    """lowest and highest p_fake of the face as it is and saved again as JPEG; a range that reaches over a
    threshold is uncertain; null: not classified"""


@dataclass(frozen=True)
class Reliability(Result):
    """What a verdict is worth: how often it was right on test images, as the model card states it."""

    fake_of_100: int
    """of 100 test faces with this verdict, as many real as fake ones tested, how many were fake"""
    face_size: str
    """the size of faces that the rates below were measured on, such as "128 to 256 px"; "all" if the card has
    none for this size"""
    false_positive_rate: Rate
    """share of the real faces of this size that were called fake"""
    recall: Rate
    """share of the fake faces of this size that were called fake"""
    false_negative_rate: Rate
    """share of the fake faces of this size that were called real"""
    real: int
    """number of real faces of this size"""
    fake: int
    """number of fake faces of this size"""
    formats: tuple[str, ...] = ()
    """the file formats of the test images that the rates were measured on: that of this image if the card has
    figures for it; empty if the card names none"""


@dataclass(frozen=True)
class DetectionResult(Result):
    """Result for an image with all its faces."""

    verdict: Verdict
    """fake if any face is fake, else uncertain if any is uncertain; no_face if there is none"""
    p_fake: Probability | None
    """the largest of the faces; null: no face was classified"""
    faces: tuple[FaceResult, ...]
    """largest first"""
    reasons: tuple[Reason, ...]
    width: int
    """of the upright image, pixels"""
    height: int
    """of the upright image, pixels"""
    format: str
    """JPEG, PNG, ...; "pixels" for an array or a PIL image in memory"""
    model: ClassifierInfo = field(hash=False)
    """name, version and sha256 of the classifier"""
    thresholds: Thresholds = field(hash=False)
    """p_fake at or below `real` is real, at or above `fake` is fake"""
    timing_ms: dict[str, Milliseconds] = field(compare=False)
    """milliseconds by stage: decode, faces, model, total"""
    p_fake_range: ProbabilityRange | None = None
    """the largest lower and the largest upper end of the faces' ranges; null: no face was classified"""
    reliability: Reliability | None = None
    """what this verdict is worth; null: no face was classified, or the model card has no figures"""

    def to_dict(self, *, heatmap: bool = True) -> dict[str, Any]:
        """Return a JSON-ready copy with rounded numbers, without heatmaps if they are not wanted."""
        copy = super().to_dict()
        if not heatmap:
            for face in copy["faces"]:
                face.pop("heatmap", None)
        return copy
