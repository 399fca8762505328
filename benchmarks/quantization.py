"""Measure what the INT8 base of a transformer changes: logits, AUC by source, and time.

    python benchmarks/quantization.py BASE TUNED.npz WEIGHTS.pt DATA [DATA ...] [--out FILE]

Compares the base with the tuned tensors against the same network in FP32 in torch, on validation faces of all
sources. Times are those of the processor for one face in one thread, so that other programs hardly count.
"""

import argparse
import sys
from pathlib import Path
from time import process_time

import numpy as np
import torch
from machine import describe
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from tables import publish, table

from veraface.models.classifier import read_tensors, run_network
from veraface.models.crop import CropSettings
from veraface.models.onnx_session import open_session
from veraface.training.network import Network, load_pretrained

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from quantize_base import crops_by_source  # noqa: E402


def float_logits(network: Network, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the logits in FP32."""
    with torch.inference_mode():
        found = [network(batch)[0].numpy() for batch in torch.from_numpy(crops).split(8)]
    return np.concatenate(found)


def int8_logits(base: Path, tuned: Path, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], list[float]]:
    """Return the logits of the base with tuned tensors, and the milliseconds of each face."""
    session = open_session(base, threads=1, tensors=read_tensors(tuned))
    logits, milliseconds = [], []
    for crop in crops:
        started = process_time()
        logits.append(run_network(session, crop[None], one_by_one=True)[0][0])
        milliseconds.append(1000 * (process_time() - started))
    return np.array(logits), milliseconds


def report(options: argparse.Namespace) -> str:
    """Return the report as Markdown."""
    tensors = read_tensors(options.tuned)
    network = Network(options.backbone, options.size, inner_tokens=options.inner_tokens)
    load_pretrained(network, options.backbone, options.weights)
    network.load_state_dict({k: torch.from_numpy(v) for k, v in tensors.items()}, strict=False)
    crops, samples = crops_by_source(options.data, "val", options.faces, CropSettings(options.size))
    expected = float_logits(network.eval(), crops)
    found, milliseconds = int8_logits(options.base, options.tuned, crops)
    error = found - expected
    fake, source = np.array([s.fake for s in samples]), np.array([s.source for s in samples])
    rows = []
    for name in ["all", *np.unique(source[fake])]:
        own = ~fake | (source == name) if name != "all" else np.ones(len(fake), bool)
        auc = [roc_auc_score(fake[own], logits[own]) for logits in (expected, found)]
        rows.append(
            [name, int(fake[own].sum()), *(f"{value:.4f}" for value in auc), f"{auc[1] - auc[0]:+.4f}"]
        )
    lines = (
        f"# INT8 base of {options.backbone}\n\n{describe()}.\n",
        f"{len(crops)} validation faces ({fake.sum()} fake) of {len(np.unique(source))} sources; standard",
        f"deviation of the logits in FP32 {expected.std():.2f}. Error of the INT8 logits: RMS",
        f"{np.sqrt((error**2).mean()):.3f}, mean {error.mean():+.3f}, largest {np.abs(error).max():.2f}.",
        f"One face in one thread: {np.median(milliseconds):.1f} ms. Base {megabytes(options.base):.1f} MB,",
        f"tuned tensors {megabytes(options.tuned):.2f} MB.\n",
        "Fakes of a source against all reals:\n",
        table(["source", "fakes", "AUC, FP32", "AUC, INT8", "difference"], rows),
    )
    return "\n".join(lines)


def megabytes(path: Path) -> float:
    """Return the size of a file."""
    return path.stat().st_size / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("base", type=Path)
    parser.add_argument("tuned", type=Path)
    parser.add_argument("weights", help="weights of the backbone, as for `veraface train --pretrained`")
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--backbone", default="vit_base_patch16_clip_quickgelu_224")
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--inner-tokens", action="store_true", help="as of the training run")
    parser.add_argument("--faces", type=int, default=14, help="of each source and class")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    publish(report(options), options.out)


if __name__ == "__main__":
    main()
