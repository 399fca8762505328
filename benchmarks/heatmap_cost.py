"""Measure the cost of the heatmap: the shipped graph against a plain pooled head without heatmap.

    python benchmarks/heatmap_cost.py [--runs 300]

Runs alternate on one thread, so that load on the machine affects both equally.
"""

import argparse
import statistics
import time

import numpy as np
import onnx
from machine import describe

from veraface.models.classifier import WEIGHTS
from veraface.models.onnx_session import open_session


def without_heatmap(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the network with global average pooling before the head, the usual end of a classifier."""
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    nodes = plain.graph.node
    head = next(node for node in nodes if "head.weight" in node.input)
    features, weight, bias = head.input
    for node in [head, *(n for n in nodes if {"evidence", "logit"} & set(n.output))]:
        nodes.remove(node)
    axes = onnx.numpy_helper.from_array(np.array([1, 2, 3], np.int64), "plain_axes")
    plain.graph.initializer.append(axes)
    nodes.extend(
        [
            onnx.helper.make_node("GlobalAveragePool", [features], ["pooled"]),
            onnx.helper.make_node("Conv", ["pooled", weight, bias], ["plain"]),
            onnx.helper.make_node("Squeeze", ["plain", "plain_axes"], ["logit"]),
        ]
    )
    plain.graph.output.remove(next(o for o in plain.graph.output if o.name == "evidence"))
    return plain


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    runs = parser.parse_args().runs
    model = onnx.load(WEIGHTS / "veraface-lite0.onnx")
    sessions = {
        name: open_session(m.SerializeToString(), threads=1)
        for name, m in (("with heatmap", model), ("without", without_heatmap(model)))
    }
    shape = (1, *sessions["with heatmap"].get_inputs()[0].shape[1:])
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    logits = [float(session.run(["logit"], {"pixels": pixels})[0][0]) for session in sessions.values()]
    if abs(logits[0] - logits[1]) > 1e-4:
        raise SystemExit(f"the two graphs differ: {logits}")
    seconds: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(runs):
        for name, session in sessions.items():
            started = time.perf_counter()
            session.run(None, {"pixels": pixels})
            seconds[name].append(time.perf_counter() - started)
    middle = {name: 1000 * statistics.median(values) for name, values in seconds.items()}
    extra = middle["with heatmap"] / middle["without"] - 1
    print(f"{describe()}; {runs} runs, one thread, one face")
    print(
        ", ".join(f"{name}: {ms:.2f} ms" for name, ms in middle.items()) + f"; the heatmap costs {extra:+.1%}"
    )


if __name__ == "__main__":
    main()
