"""Writes docs/model-card.md from the card of the shipped classifier, so that no figure is typed by hand.

    python3 scripts/write_model_card.py

A test compares the two.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CARD = ROOT / "src/veraface/models/weights/veraface-lite0.json"
TARGET = ROOT / "docs/model-card.md"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _area(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}".removeprefix("0")


def _between(row: Mapping[str, Any], figure: str) -> str:
    interval = (row.get("intervals") or {}).get(figure)
    shown = _area if figure == "auc" else _share
    return shown(row.get(figure)) + (f" ({shown(interval[0])} to {shown(interval[1])})" if interval else "")


def _figures(row: Mapping[str, Any]) -> list[str]:
    names = (
        "reals_called_fake",
        "reals_uncertain",
        "fakes_called_fake",
        "fakes_uncertain",
        "fakes_called_real",
    )
    return [_area(row["auc"]), *(_share(row.get(name)) for name in names)]


_HEADS = (
    "AUC",
    "reals called fake",
    "reals left open",
    "fakes called fake",
    "fakes left open",
    "fakes called real",
)


def text(card: Mapping[str, Any]) -> str:
    """The page.

    Args:
        card: The model card, as it stands in the JSON file beside the weights.
    """
    measured = card["measured"]
    whole = measured["rows"][0]
    sources = [
        [row["source"], str(row["real"]), str(row["fake"]), *_figures(row)] for row in measured["rows"]
    ]
    tiers = [[row["tier"], row["how"], *_figures(row)] for row in measured["tiers"]]
    promised, crop, thresholds = card["error_rates"], card["crop"], card["thresholds"]
    parts = [
        "# Model card",
        "Written by `scripts/write_model_card.py` from the card that is shipped with the weights; "
        "`veraface info` and `GET /api/model` show the same. "
        "What the figures mean: [evaluation](evaluation.md).",
        _table(
            ("", ""),
            [
                ["name, version", f"{card['name']} {card['version']}, made {card['made']}"],
                ["sha256", f"`{card['sha256']}`"],
                [
                    "what it is",
                    f"{card['backbone']}, {crop['size']} px, {crop['margin']} times the face box",
                ],
                ["license", card["license"]],
                ["trained on", card["data"]],
                [
                    "verdict",
                    f"p_fake up to {thresholds['real']:.3f}: real; from {thresholds['fake']:.3f}: fake; "
                    "uncertain between",
                ],
                [
                    "promised on faces like those of validation",
                    f"at most {_share(promised['allowed_reals_called_fake'])} of reals called fake and "
                    f"{_share(promised['allowed_fakes_called_real'])} of fakes called real",
                ],
            ],
        ),
        "## What it is for, and what not",
        "\n".join(f"- {limit}" for limit in card["limits"]),
        "## How good it is",
        f"Measured on {measured['data']}: `{measured['command']}`. "
        "In brackets 95 % intervals, drawn by group. "
        f"AUC {_between(whole, 'auc')}, reals called fake {_between(whole, 'reals_called_fake')}, "
        f"fakes called fake {_between(whole, 'fakes_called_fake')}, "
        f"fakes called real {_between(whole, 'fakes_called_real')}.",
        _table(("source", "real", "fake", *_HEADS), sources),
        "## Degraded images",
        _table(("tier", "what was done", *_HEADS), tiers),
        "## Weak spots",
        "Worse than the whole by more than chance explains:",
        "\n".join(f"- {spot}" for spot in measured["weak_spots"]),
        "## Terms of the training images",
        _table(("source", "what, and under which terms"), card["data_terms"].items()),
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(json.loads(CARD.read_text())))
