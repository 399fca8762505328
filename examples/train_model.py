"""Train a classifier on your own faces, export it and use it. Needs `pip install '.[train]'`.

    python examples/train_model.py DATA OUT

DATA is a folder with a manifest.csv, or with one folder of real and one of fake images (docs/data-sets.md).
The commands `veraface train` and `veraface export` do the same with more options.
"""

import argparse
from pathlib import Path

from veraface import Detector
from veraface.training.config import TrainConfig
from veraface.training.export import export
from veraface.training.trainer import train


def main(arguments: list[str] | None = None) -> None:
    """Train, export next to the run, and load the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("out", type=Path)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--backbone", default="tf_efficientnet_lite0", help="any timm model")
    parser.add_argument("--size", type=int, default=160, help="side of the model input, px")
    options = parser.parse_args(arguments)

    pretrained = "auto" if options.backbone == "tf_efficientnet_lite0" else "none"
    config = TrainConfig(
        data=options.data,
        backbone=options.backbone,
        pretrained=pretrained,
        size=options.size,
        epochs=options.epochs,
    )
    train(config, options.out)
    export(options.out, options.out, name="mine")

    detector = Detector(options.out / "mine.onnx")
    thresholds = detector.card.thresholds
    print(f"trained on {detector.card.data}")
    print(f"real up to {thresholds.real:.3f}, fake from {thresholds.fake:.3f}")


if __name__ == "__main__":
    main()
