"""Write a decision fitted to a score table into model cards: of each network alone, and of the ensemble."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import veraface
from veraface.errors import DataError
from veraface.evaluation.score_table import ScoreTable
from veraface.files import atomic_write, ensure_writable_dir, same_file
from veraface.models.card import ModelCard, Part
from veraface.models.ensemble import joined_sha256, load_files, model_files
from veraface.training.decision_fit import DecisionFit, fit_decision
from veraface.training.group_thresholds import BoundSettings


def write_decision(
    table: ScoreTable,
    networks: Mapping[str, Path],
    out: Path,
    *,
    name: str,
    settings: BoundSettings | None = None,
) -> DecisionFit:
    """Fit a decision to the networks of a table, and write their cards and that of the ensemble to `out`.

    Each network gets a card with a decision of its own, so that it can also be used alone. If joining them is
    worth it, `NAME.json` is the card of their ensemble. Their weights are copied to `out`. Figures that were
    measured with the former cards are removed. Whether a network sees a face in several views is read from
    its card (`tta`).

    Args:
        table: logits of the final networks and those of the folds.
        networks: by architecture in the table, the card of its final network.
        out: the folder; created if missing.
        name: of the ensemble.
        settings: targets of the thresholds.

    Raises:
        DataError: the table has too few images of a class, or two networks have another crop.
        ModelError: files of a network are missing or damaged.
    """
    cards = {architecture: _card(path) for architecture, path in networks.items()}
    if len({card.crop for card in cards.values()}) > 1:
        raise DataError(
            f"{', '.join(map(str, networks.values()))}: networks with another crop cannot be joined"
        )
    if name in {card.name for card in cards.values()}:
        raise DataError(f"name is {name!r}, the name of one of the networks; choose another one")
    one_view = [architecture for architecture, card in cards.items() if not card.tta]
    fit = fit_decision(table, settings, architectures=list(networks), one_view=one_view)
    ensure_writable_dir(out)
    today = datetime.now(UTC).date().isoformat()
    for architecture, path in networks.items():
        for file in model_files(path.with_suffix(".json"))[1:]:
            _copy(file, out / file.name)
        own = fit_decision(table, settings, architectures=[architecture], one_view=one_view)
        card = replace(cards[architecture], **own.card_fields(), measured={}, made=today)
        card.save(out / f"{card.name}.json")
    if len(fit.join.networks) > 1:
        _ensemble_card(fit, cards, name, today).save(out / f"{name}.json")
    return fit


def _card(path: Path) -> ModelCard:
    """Return the card of a network whose files are valid."""
    return load_files(path.with_suffix(".json")).card


def _ensemble_card(fit: DecisionFit, cards: Mapping[str, ModelCard], name: str, today: str) -> ModelCard:
    own = [cards[network.name] for network in fit.join.networks]
    parts = tuple(
        Part(card.name, card.sha256, network.weight, network.calibration)
        for network, card in zip(fit.join.networks, own, strict=True)
    )
    terms: dict[str, str] = {}
    for card in own:
        terms |= card.data_terms
    return ModelCard(
        name=name,
        version=veraface.__version__,
        sha256=joined_sha256([card.sha256 for card in own]),
        backbone=_joined([card.backbone for card in own], " + "),
        crop=own[0].crop,
        normalization=_by_name(own, "normalization"),
        data=_joined([card.data for card in own], "; "),
        license=_joined([card.license for card in own], "; "),
        limits=tuple(dict.fromkeys(limit for card in own for limit in card.limits)),
        made=today,
        data_terms=terms,
        training=_by_name(own, "training"),
        parts=parts,
        max_disagreement=fit.disagreement,
        **fit.card_fields(),
    )


def _by_name(cards: Sequence[ModelCard], field: str) -> dict[str, Any]:
    return {card.name: getattr(card, field) for card in cards}


def _joined(texts: Sequence[str], separator: str) -> str:
    return separator.join(dict.fromkeys(texts))


def _copy(source: Path, target: Path) -> None:
    if not same_file(source, target):
        with atomic_write(target) as partial:
            partial.write_bytes(source.read_bytes())
