"""Small models with known behavior."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from veraface.decision import Calibration, Thresholds
from veraface.models.card import BaseFile, ModelCard
from veraface.models.crop import CropSettings

WIDE_BAND = Thresholds(real=0.2, fake=0.8)


def brightness_model(
    folder: Path,
    *,
    thresholds: Thresholds = WIDE_BAND,
    name: str = "brightness",
    size: int = 160,
    cells: int = 4,
    center: float = 127.5,
) -> Path:
    """Write a classifier with logit = (mean brightness - center) / 10; return its path."""
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float", "last"], ["gray"], keepdims=0),
        helper.make_node("Sub", ["gray", "center"], ["shifted"]),
        helper.make_node("Div", ["shifted", "ten"], ["fine"]),
        helper.make_node("Unsqueeze", ["fine", "one"], ["channel"]),
        helper.make_node(
            "AveragePool",
            ["channel"],
            ["pooled"],
            kernel_shape=[size // cells] * 2,
            strides=[size // cells] * 2,
        ),
        helper.make_node("Squeeze", ["pooled", "one"], ["evidence"]),
        helper.make_node("ReduceMean", ["evidence", "rows_and_columns"], ["logit"], keepdims=0),
    ]
    constants = {
        "last": np.array([3], np.int64),
        "center": np.array([center], np.float32),
        "ten": np.array(10.0, np.float32),
        "one": np.array([1], np.int64),
        "rows_and_columns": np.array([1, 2], np.int64),
    }
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", size, size, 3])],
        [
            helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["batch"]),
            helper.make_tensor_value_info("evidence", TensorProto.FLOAT, ["batch", cells, cells]),
        ],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    ModelCard(
        name=name,
        version="0",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        backbone="none",
        crop=CropSettings(size=size),
        normalization={},
        calibration=Calibration(1.0, 0.0),
        thresholds=thresholds,
        error_rates={},
        data="none",
        license="none",
        limits=("a model for tests",),
        made="2026-01-01",
    ).save(path.with_suffix(".json"))
    return path


def tuned_model(folder: Path, *, name: str = "tuned", center: float = 127.5, **options: Any) -> Path:
    """Write the same classifier as a base and a tuned tensor, the center; return its card."""
    whole = brightness_model(folder, name=f"{name}-whole", **options)
    model = onnx.load(whole)
    (tensor,) = (t for t in model.graph.initializer if t.name == "center")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="tuned")
    base = folder / f"{name}-base.onnx"
    base.write_bytes(model.SerializeToString())
    np.savez(folder / f"{name}.npz", center=np.array([center], np.float32))
    card = replace(
        ModelCard.load(whole.with_suffix(".json")),
        name=name,
        sha256=_sha256(folder / f"{name}.npz"),
        base=BaseFile(base.name, _sha256(base)),
        tta=False,
    )
    card.save(folder / f"{name}.json")
    return folder / f"{name}.json"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
