"""`veraface info`: show a model card."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from veraface.cli.options import Model

if TYPE_CHECKING:
    from rich.table import Table

# Three lines each, so that the tables fit in 80 columns.
_SHARE_HEADINGS = ("real faces\nfake /\nuncertain", "fake faces\nfake / uncertain\n/ real")


def info(
    model: Model = None,
    as_json: Annotated[bool, Option("--json", help="Print JSON.")] = False,
    list_all: Annotated[bool, Option("--list", help="List the names of all models.")] = False,
) -> None:
    """Show the model card: architecture, measured performance and limitations."""
    from veraface.models.registry import list_models, load_card

    if list_all:
        names = list_models()
        print(json.dumps(names) if as_json else "\n".join(names))
        return
    card = load_card(model)
    if as_json:
        print(json.dumps(card.to_dict(), indent=2))
    else:
        _print(asdict(card))


def _print(card: Mapping[str, Any]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from veraface.cli.terminal import PIPED_TEXT_WIDTH
    from veraface.cli.terminal import console as make_console
    from veraface.models.card import bound_lines

    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in card.items():
        if key == "data_terms":
            value = [f"{source}: {words}" for source, words in value.items()]
        if key == "error_bounds":
            value = bound_lines(value)
        if key not in ("measured", "training") and value not in (None, (), [], {}):
            table.add_row(key.replace("_", " "), Text(_words(value)))
    console = make_console(PIPED_TEXT_WIDTH)
    console.print(table)
    for measured in _measured(card["measured"]) if card["measured"] else ():
        console.print(measured)


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key.replace('_', ' ')} {_words(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        separator = "\n" if all(isinstance(item, str) for item in value) else " / "
        return separator.join(_words(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _measured(measured: Mapping[str, Any]) -> Iterator["Table"]:
    """Yield the tables of measured figures: by source, on degraded images, and the weak spots."""
    from rich.text import Text

    title = f"measured on {measured['data']}"
    table = _table(title, {"source": False}, "real", "fake", "AUC", *_SHARE_HEADINGS)
    table.caption = measured["command"]
    for row in measured["rows"]:
        table.add_row(row["source"], str(row["real"]), str(row["fake"]), *_figures(row))
    yield table
    if measured.get("tiers"):
        title, texts = "robustness: the same images degraded", {"tier": True, "degradation": False}
        table = _table(title, texts, "AUC", *_SHARE_HEADINGS, "verdicts\nflipped")
        for row in measured["tiers"]:
            flipped = row.get("changes", {}).get("flipped")
            share = "" if flipped is None else f"{flipped:.1%}"
            table.add_row(row["tier"], row["how"], *_figures(row), share)
        yield table
    if measured.get("weak_spots"):
        table = _table(None, {"weak spots: significantly worse than average": False})
        for sentence in measured["weak_spots"]:
            table.add_row(Text(sentence))
        yield table


def _table(title: str | None, texts: Mapping[str, bool], *numbers: str) -> "Table":
    """Return a table without rows; `texts` holds for each heading whether that column stays in one line."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, one_line in texts.items():
        table.add_column(heading, overflow="fold", no_wrap=one_line)
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _figures(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return AUC and the shares of verdicts on real and on fake faces."""
    reals = _shares(row["reals_called_fake"], row["reals_uncertain"])
    fakes = _shares(row["fakes_called_fake"], row["fakes_uncertain"], row["fakes_called_real"])
    return "" if row["auc"] is None else f"{row['auc']:.3f}", reals, fakes


def _shares(called_fake: float | None, *others: float | None) -> str:
    if called_fake is None:
        return ""
    return " / ".join([f"{called_fake:.1%}", *(f"{share or 0:.0%}" for share in others)])
