"""Write the INT8 base that all versions of a transformer with tuned LayerNorms share.

    python scripts/quantize_base.py build/clip_b16.pt clip-vit-b16-192.int8.onnx DATA [DATA ...]

Uses a few training faces of each source to find the channels with large activations. `veraface export --base`
then ships a run with `--tune norms` as the tensors that it tuned.
"""

import argparse
import random
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from veraface.datasets.manifest import read_samples
from veraface.datasets.samples import Sample
from veraface.datasets.validation import prepare
from veraface.models.crop import CropSettings
from veraface.training.dataset import open_sample
from veraface.training.network import Network, load_pretrained
from veraface.training.quantize import write_base


def crops_by_source(
    data: list[Path], split: str, count: int, crop: CropSettings
) -> tuple[NDArray[np.uint8], list[Sample]]:
    """Return `count` crops of each source and class, and their samples."""
    groups: dict[tuple[str, bool], list[Sample]] = {}
    for sample in (s for folder in data for s in read_samples(folder) if s.split == split):
        groups.setdefault((sample.source, sample.fake), []).append(sample)
    draw = random.Random(0)
    chosen = [s for key in sorted(groups) for s in draw.sample(groups[key], min(count, len(groups[key])))]
    samples = prepare(chosen, skip_bad=True, needed=(split,)).samples
    return np.stack([open_sample(s, crop).crop(crop) for s in samples]), samples


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", help="weights of the backbone, as for `veraface train --pretrained`")
    parser.add_argument("out", type=Path)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--backbone", default="vit_base_patch16_clip_quickgelu_224")
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--inner-tokens", action="store_true", help="as of the training run")
    parser.add_argument("--faces", type=int, default=3, help="of each source and class")
    options = parser.parse_args()
    network = Network(options.backbone, options.size, inner_tokens=options.inner_tokens)
    print(load_pretrained(network, options.backbone, options.weights))
    crops, _ = crops_by_source(options.data, "train", options.faces, CropSettings(options.size))
    write_base(network.eval(), options.size, crops, options.out)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB, from {len(crops)} faces")


if __name__ == "__main__":
    main()
