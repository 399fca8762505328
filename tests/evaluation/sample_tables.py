"""Synthetic score tables: sources with people, two architectures, and networks of three folds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from veraface.evaluation.score_table import CLEAN, MIRRORED, RECOMPRESSED, VIEWS, ScoreTable

FOLDS = 3


@dataclass(frozen=True)
class Source:
    """One class of one source.

    Attributes:
        name: of the source.
        fake: the class.
        people: number of groups.
        per_person: images of each group.
        shift: mean of the logit of the first and of the second network, in standard deviations.
    """

    name: str
    fake: bool
    people: int
    per_person: int = 1
    shift: tuple[float, float] = (0.0, 0.0)


SOURCES = (
    Source("alps", False, 150, 2, (-1.5, -1.0)),
    Source("beach", False, 200, 1, (-1.2, -1.8)),
    Source("cellar", False, 20, 2, (-1.0, -1.0)),
    Source("desert", False, 30, 1, (-1.5, -1.5)),
    Source("swap", False, 120, 1, (-1.3, -1.2)),
    Source("swap", True, 120, 1, (1.5, 0.5)),
    Source("gan", True, 150, 1, (0.5, 2.5)),
    Source("edit", True, 25, 2, (1.0, 1.0)),
    Source("studio", True, 110, 1, (1.8, 1.2)),
)


def make_table(
    sources: Sequence[Source] = SOURCES,
    *,
    architectures: Sequence[str] = ("vit", "lite"),
    views: Sequence[str] = VIEWS,
    final: bool = True,
    seed: int = 0,
) -> ScoreTable:
    """Draw a table: a logit is normal around its source's shift, with a part that the person shares.

    The networks trained on all sources separate the classes 1.5 times as well.
    """
    random = np.random.default_rng(seed)
    names = list(dict.fromkeys(source.name for source in sources))
    folds = {name: 1 + index % FOLDS for index, name in enumerate(names)}
    columns: dict[str, list[str]] = {name: [] for name in ("path", "source", "generator", "group", "split")}
    fake, logits = [], []
    for source in sources:
        for person in range(source.people):
            of_person = random.normal(0, 0.5, 2)
            for image in range(source.per_person):
                kind = "fake" if source.fake else "real"
                columns["path"].append(f"{kind}/{source.name}/{person}-{image}.jpg")
                columns["source"].append(source.name)
                columns["generator"].append(f"made by {source.name}" if source.fake else "")
                columns["group"].append(f"{source.name} {person}")
                columns["split"].append(("train", "train", "val", "test")[person % 4])
                fake.append(source.fake)
                logits.append(np.array(source.shift) + of_person + random.normal(0, 0.85, 2))
    count, base = len(fake), np.array(logits).reshape(-1, 2).T
    kinds = [f"fold-{n + 1}" for n in range(FOLDS)] + (["final"] if final else [])
    networks = [f"{architecture}/{kind}" for architecture in architectures for kind in kinds]
    table = {network: np.zeros((count, len(views)), np.float32) for network in networks}
    for network, found in table.items():
        architecture, kind = network.split("/")
        own = base[list(architectures).index(architecture)] * (1.5 if kind == "final" else 1.0)
        for column, view in enumerate(views):
            spread = {CLEAN: 0.0, MIRRORED: 0.1, RECOMPRESSED: 0.2}.get(view, 0.6)
            found[:, column] = own + random.normal(0, spread, count)
    arrays = {name: np.array(values, np.str_) for name, values in columns.items()}
    return ScoreTable(
        **arrays,
        fake=np.array(fake, bool),
        face_size=random.uniform(41, 300, count),
        fold=np.array([folds[name] for name in columns["source"]], np.int64),
        views=tuple(views),
        logits=table,
    )
