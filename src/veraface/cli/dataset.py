"""`veraface dataset build`: build a data set of face chips from folders of images."""

from pathlib import Path
from typing import Annotated

from typer import Argument, BadParameter, Option

from veraface.utils import needs_extra


def build(
    out: Annotated[Path, Option(help="Folder for the chips and manifest.csv.")],
    images: Annotated[Path | None, Argument(help="A folder of images.")] = None,
    recipe: Annotated[
        Path | None, Option(help="YAML list of sources with these options as fields, instead of IMAGES.")
    ] = None,
    source: Annotated[str, Option(help="Name of the data set the images come from.")] = "",
    label: Annotated[str, Option(help="real or fake.")] = "",
    include: Annotated[
        list[str] | None, Option(help="Only paths in IMAGES that match, such as 'faces/*.jpg'; repeatable.")
    ] = None,
    group: Annotated[
        str, Option(help="Regular expression that finds the person or video in a path, or 'folder'.")
    ] = "",
    generator: Annotated[str, Option(help="What made or changed the faces of fakes.")] = "",
    license: Annotated[str, Option(help="Terms of the images.")] = "not stated",
    origin: Annotated[str, Option(help="Where the images come from, such as an address and commit.")] = "",
    limit: Annotated[int, Option(help="Maximum number of chips; 0 for all.")] = 0,
    per_group: Annotated[int, Option(help="Maximum number of chips per group; 0 for all.")] = 0,
    split: Annotated[str, Option(help="train, val or test for all; default: by a hash of the group.")] = "",
    against: Annotated[
        list[Path] | None, Option(help="Data set whose images to skip, also near-duplicates; repeatable.")
    ] = None,
    replace: Annotated[bool, Option("--replace", help="Build sources that exist again.")] = False,
) -> None:
    """Cut out the largest face of each image and write one manifest, without near-duplicates.

    Sources that the manifest lists are kept, so that the same command continues after an interruption.
    """
    from veraface.datasets.build import build as run
    from veraface.datasets.build import read_recipe, source_spec

    if (images is None) == (recipe is None):
        raise BadParameter("give either IMAGES or --recipe")
    if recipe:
        with needs_extra("train"):
            specs = read_recipe(recipe)
    else:
        names = {"source": source, "label": label, "generator": generator, "license": license}
        names |= {"origin": origin, "group": group, "split": split}
        limits = {"limit": limit, "per_group": per_group}
        chosen = {"images": images, "include": include or ()}
        specs = [source_spec({**names, **limits, **chosen}, "options")]
    for result in run(specs, out, against=against or (), replace=replace):
        print(f"{result.spec.source} {result.spec.label}: {result}", flush=True)
    print(f"written to {out}/manifest.csv")
