"""`veraface info`: show a model card."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

# Three lines each, so that the tables fit in 80 columns.
_SHARE_HEADINGS = ("real faces\nfake /\nuncertain", "fake faces\nfake / uncertain\n/ real")


def info(
    model: Annotated[
        str | None,
        typer.Option(help="A model name, or the path of an .onnx file; the default model if omitted."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="List the names of all models.")] = False,
) -> None:
    """Show the model card: architecture, measured performance and limitations."""
    if list_all:
        from veraface.models.registry import list_models

        names = list_models()
        print(json.dumps(names) if as_json else "\n".join(names))
        return
    from veraface.models.registry import load_card

    card = load_card(model)
    if as_json:
        print(json.dumps(card.to_dict(), indent=2))
    else:
        _print(asdict(card))


def _print(card: Mapping[str, Any]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from veraface.cli.terminal import console as make_console

    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in card.items():
        if key not in ("measured", "training"):
            words = _terms(value) if key == "data_terms" else _words(value)
            table.add_row(key.replace("_", " "), Text(words))
    console = make_console()
    console.print(table)
    if card["measured"]:
        console.print(_figures(card["measured"]))
        if tiers := card["measured"].get("tiers"):
            console.print(_tiers(tiers))
        if spots := card["measured"].get("weak_spots"):
            weak = Table("weak spots: significantly worse than average", box=box.SIMPLE_HEAD, pad_edge=False)
            for sentence in spots:
                weak.add_row(Text(sentence))
            console.print(weak)


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key.replace('_', ' ')} {_words(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        separator = "\n" if all(isinstance(item, str) for item in value) else " / "
        return separator.join(_words(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _terms(terms: Mapping[str, str]) -> str:
    return "\n".join(f"{source}: {words}" for source, words in terms.items())


def _figures(measured: Mapping[str, Any]) -> "Table":
    """Return the table of measured figures: one row for all sources, then one per source."""
    from rich import box
    from rich.table import Table

    table = Table(
        title=f"measured on {measured['data']}",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        caption=measured["command"],
    )
    table.add_column("source", overflow="fold")
    for heading in ("real", "fake", "AUC", *_SHARE_HEADINGS):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in measured["rows"]:
        table.add_row(
            row["source"],
            str(row["real"]),
            str(row["fake"]),
            "" if row["auc"] is None else f"{row['auc']:.3f}",
            _shares(row["reals_called_fake"], row["reals_uncertain"]),
            _shares(row["fakes_called_fake"], row["fakes_uncertain"], row["fakes_called_real"]),
        )
    return table


def _tiers(tiers: Sequence[Mapping[str, Any]]) -> "Table":
    """Return the table of figures on degraded images."""
    from rich import box
    from rich.table import Table

    table = Table(title="robustness: the same images degraded", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("tier", no_wrap=True)
    table.add_column("degradation", overflow="fold")
    for heading in ("AUC", *_SHARE_HEADINGS, "verdicts\nflipped"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in tiers:
        flipped = row.get("changes", {}).get("flipped")
        table.add_row(
            row["tier"],
            row["how"],
            "" if row["auc"] is None else f"{row['auc']:.3f}",
            _shares(row["reals_called_fake"], row["reals_uncertain"]),
            _shares(row["fakes_called_fake"], row["fakes_uncertain"], row["fakes_called_real"]),
            "" if flipped is None else f"{flipped:.1%}",
        )
    return table


def _shares(called_fake: float | None, *others: float | None) -> str:
    if called_fake is None:
        return ""
    return " / ".join([f"{called_fake:.1%}", *(f"{share or 0:.0%}" for share in others)])
