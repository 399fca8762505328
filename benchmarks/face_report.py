"""Write the tallies of face detectors as Markdown."""

from collections.abc import Callable, Iterable, Sequence
from statistics import mean, stdev

from face_measures import BINS, FACE_SIDE, MAX_ROLL_ERROR, MIN_IOU, Tallies, Tally, rotations, size_bin
from face_views import VIEWS
from tables import p50, table

_SIZES = [size_bin(low) for low in BINS[:-1]]
_LARGE = f"{FACE_SIDE} px and more"


def chips_report(tallies: Tallies) -> str:
    """Return a table for each detector, with one row for each view."""
    headings = ["view", "found", "mean IoU", "size ratio", "roll right", "further boxes", "ms"]
    count = len(next(iter(tallies.values())).found["upright"])
    parts = [
        f"{count} chips, one labeled face each. Found: IoU of at least {MIN_IOU}. Size ratio: found over\n"
        "true, mean ± deviation. Roll right: the line of the eyes, rotated back, is within\n"
        f"{MAX_ROLL_ERROR}° of the same detector's in the upright chip.\n"
    ]
    for name, tally in tallies.items():
        rows = [
            [title, _mean(tally.found[title]), _mean(tally.overlaps[title]), _spread(tally.ratios[title]),
             _mean(tally.rolls[title]), tally.further[title], _milliseconds(tally, title)]
            for title in VIEWS
        ]  # fmt: skip
        missed = ", ".join(
            f"{source} {found.count(False)} of {len(found)}"
            for source, found in tally.found.items()
            if source not in VIEWS and not all(found)
        )
        parts.append(f"### {name}\n\n{table(headings, rows)}\nMissed upright: {missed or 'none'}.\n")
    return "\n".join(parts)


def photos_report(tallies: Tallies) -> str:
    """Return one table, with one row for each view."""
    headings = ["view", *(f"{name}: {what}" for name in tallies for what in ("found", "further", "ms"))]
    rows: list[list[object]] = []
    for title in ["upright", *rotations()]:
        rows.append([title])
        for tally in tallies.values():
            rows[-1] += [_mean(tally.found[title]), tally.further[title], _milliseconds(tally, title)]
    count = len(next(iter(tallies.values())).found["upright"])
    return (
        f"{count} photos. Upright: share of photos with a face, and the number of further faces. Rotated:\n"
        "share of the faces found upright that are found again, and the number of other faces.\n\n"
        + table(headings, rows)
    )


def groups_report(tallies: Tallies) -> str:
    """Return tables of recall by size and by kind of image, of false faces and of time."""
    kinds = _kinds(tallies)
    return "\n".join(
        [
            "By the longer side of the face, all images:\n",
            _recall(tallies, [_LARGE, *_SIZES]),
            "By megapixels of the photo, or kind of image:\n",
            _recall(tallies, [f"{kind}, {_LARGE}" for kind in kinds]),
            "False: detections on the background. Further: those in pasted chips, which may show others.\n",
            _images(tallies, [*kinds, "all"]),
            "By kind of image and size:\n",
            _recall(tallies, [f"{kind}, {size}" for kind in kinds for size in _SIZES]),
        ]
    )


def without_report(tallies: Tallies) -> str:
    """Return a table of false faces and time by kind of image, and the images with false faces."""
    lists = [
        f"{name}, false faces (number, highest score): {'; '.join(tally.false_images) or 'none'}.\n"
        for name, tally in tallies.items()
    ]
    return "\n".join([_images(tallies, [*_kinds(tallies), "all"]), *lists])


def wider_report(tallies: Tallies) -> str:
    """Return tables of recall by size for all and for clear faces, of unlabeled detections and of time."""
    groups = [_LARGE, *_SIZES]
    return "\n".join(
        [
            "Faces marked as valid in the data set; clear ones are sharp, unoccluded and in a typical pose.\n"
            "False includes faces that are not labeled; further, those marked as invalid.\n",
            _recall(tallies, [*groups, *(f"clear, {group}" for group in groups)]),
            _images(tallies, ["all"]),
        ]
    )


REPORTS: dict[str, tuple[str, Callable[[Tallies], str]]] = {
    "chips": ("Face chips", chips_report),
    "photos": ("Whole photos", photos_report),
    "groups": ("Composed group photos, screenshots and collages", groups_report),
    "without": ("Images without a face", without_report),
    "wider": ("WIDER FACE, validation split", wider_report),
}


def _recall(tallies: Tallies, groups: Iterable[str]) -> str:
    """Return a table of recall; groups without faces are left out."""
    first = next(iter(tallies.values()))
    rows = [
        [group, len(first.found[group]), *(_mean(tally.found[group]) for tally in tallies.values())]
        for group in groups
        if first.found.get(group)
    ]
    return table(["faces found", "of", *tallies], rows)


def _images(tallies: Tallies, kinds: Iterable[str]) -> str:
    """Return a table of unmatched detections and time by kind of image."""
    headings = ["images", "number", *(f"{n}: {what}" for n in tallies for what in ("false", "further", "ms"))]
    rows: list[list[object]] = []
    for kind in kinds:
        rows.append([kind, len(next(iter(tallies.values())).detecting[kind])])
        for tally in tallies.values():
            rows[-1] += [tally.false[kind], tally.further[kind], _milliseconds(tally, kind)]
    return table(headings, rows)


def _kinds(tallies: Tallies) -> list[str]:
    """Return the kinds of images; those named by megapixels first, totals last."""
    kinds = {kind for kind in next(iter(tallies.values())).detecting if kind != "all"}

    def order(kind: str) -> tuple[bool, float, str]:
        return kind.startswith("all "), float(kind.split()[0]) if kind[0].isdigit() else 1e9, kind

    return sorted(kinds, key=order)


def _mean(values: Sequence[float]) -> str:
    return f"{mean(values):.3f}" if values else "–"


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):.2f} ± {stdev(values):.2f}" if len(values) > 1 else "–"


def _milliseconds(tally: Tally, group: str) -> str:
    """Return median and mean of detection, and the mean of decoding, for one image."""
    detecting = tally.detecting[group]
    if not detecting:
        return "–"
    return f"{p50(detecting):.1f} / {mean(detecting):.1f} + {mean(tally.decoding[group]):.1f}"
