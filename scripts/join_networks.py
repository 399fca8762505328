"""Add a second network to a model, and fit calibration and thresholds of the two together.

    python scripts/join_networks.py DATA --wide-margin 1.5 --overconfidence 0.7008 --out build/joined

Both networks see the validation split as it is, recompressed and degraded; each face as it is and saved
again, and averaged with a wider crop, if asked for. The share of the second network in the log odds is the
one with the highest AUC, sources and classes weighted equally. Networks are surer of faces from sources that
they were trained on: the slope of the joint calibration is multiplied by the ratio of the first network's
slope on sources left out of its training (`veraface cross-validate`) to that on the validation split
(`--overconfidence`). The card loses the figures that were measured before.
"""

import argparse
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from veraface.datasets.manifest import read_samples
from veraface.datasets.validation import prepare
from veraface.decision import Calibration
from veraface.files import copy_file
from veraface.models.card import ModelCard, SecondNetwork
from veraface.models.classifier import OnnxClassifier, weight_files
from veraface.models.crop import FaceViews
from veraface.models.registry import card_path
from veraface.training.calibration import ErrorTargets, balance_weights, fit_calibration, fit_thresholds
from veraface.training.export import face_logits, validation_logits

_SHARES = np.arange(0.0, 0.61, 0.05)


def main() -> None:
    """Fit, and write card and weights to a folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--first", default="accurate")
    parser.add_argument("--second", default="fast")
    parser.add_argument("--overconfidence", type=float, required=True, help="factor of the joint slope")
    parser.add_argument("--wide-margin", type=float, help="margin of a wider crop; none by default")
    parser.add_argument("--max-fpr", type=float, default=0.003, help="on the validation split")
    parser.add_argument("--max-fnr", type=float, default=0.045, help="on the validation split")
    parser.add_argument("--logits", type=Path, help="file to keep the logits of both networks in, or to read")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    options.out.mkdir(parents=True, exist_ok=True)
    paths = [card_path(options.first), card_path(options.second)]
    if None in paths:
        parser.error("both networks must be models in ONNX files")
    cards = [replace(ModelCard.load(path), second=None) for path in paths]
    for path, card in zip(paths, cards, strict=True):  # each network alone
        for file in weight_files(path, card):
            copy_file(file, options.out / file.name)
        card.save(options.out / path.name)
    names = ("first", "second", "labels", "sources", "images")
    if options.logits and options.logits.exists():
        first, second, labels, sources, images = map(np.load(options.logits).get, names)
    else:
        samples = prepare([s for s in read_samples(options.data) if s.split == "val"], skip_bad=True).samples
        networks = [OnnxClassifier(options.out / path.name) for path in paths]
        for network in networks:
            network.card = replace(network.card, wide_margin=options.wide_margin)

        def classify(views: FaceViews) -> list[float]:
            return [logit for network in networks for logit in face_logits(network, views)]

        logits, labels, sources = validation_logits(
            classify, samples, cards[0].crop, 0, wide_margin=options.wide_margin
        )
        first, second = logits[:, :2], logits[:, 2:]
        images = np.array(len(samples))
        if options.logits:
            np.savez(
                options.logits, **dict(zip(names, (first, second, labels, sources, images), strict=True))
            )

    weights = balance_weights(labels, sources)
    alone = [fit_calibration(logits[:, 0], labels, weights) for logits in (first, second)]

    def joined(share: float) -> tuple[float, np.ndarray]:
        weight = share * alone[1].slope / ((1 - share) * alone[0].slope)
        return weight, first + weight * second

    balanced = {}
    for share in map(float, _SHARES):
        _, logits = joined(share)
        auc = roc_auc_score(labels, logits[:, 0])
        balanced[share] = roc_auc_score(labels, logits[:, 0], sample_weight=weights)
        print(f"share {share:.2f}: AUC {auc:.4f}, balanced {balanced[share]:.4f}")
    best = max(balanced, key=balanced.__getitem__)
    weight, logits = joined(best)
    fitted = fit_calibration(logits[:, 0], labels, weights)
    factor = options.overconfidence
    calibration = Calibration(fitted.slope * factor, fitted.intercept * factor)
    p_fake = calibration.probability(logits)
    targets = ErrorTargets(options.max_fpr, options.max_fnr)
    thresholds, rates = fit_thresholds(
        p_fake.min(axis=1), p_fake.max(axis=1), labels, np.ones(len(labels)), targets, int(images)
    )
    print(f"share {best:.2f}, weight {weight:.4f}, {calibration}, {thresholds}, {rates}")
    card = replace(
        cards[0],
        wide_margin=options.wide_margin,
        second=SecondNetwork(paths[1].name, cards[1].sha256, round(weight, 4)),
        calibration=calibration,
        thresholds=thresholds,
        error_rates={"allowed_reals_called_fake": options.max_fpr}
        | {"allowed_fakes_called_real": options.max_fnr}
        | rates,
        error_bounds={},
        measured={},
        made=datetime.now(UTC).date().isoformat(),
    )
    card.save(options.out / paths[0].name)


if __name__ == "__main__":
    main()
