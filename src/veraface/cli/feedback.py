"""`veraface feedback`: keep images with a wrong verdict for evaluation and training."""

from base64 import b64decode
from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, BadParameter, Exit, Option

from veraface.cli.options import Model, NeverSayReal
from veraface.cli.terminal import fail_at, printable
from veraface.utils import user_name
from veraface.wording import Wording


def feedback(
    images: Annotated[
        list[str], Argument(help="Images with a wrong verdict, or reports that the page has saved (.json).")
    ],
    label: Annotated[
        Literal["real", "fake"] | None,
        Option(help="What the images really are; a saved report has its own label."),
    ] = None,
    note: Annotated[str, Option(help="How you know, up to 2,000 characters.")] = "",
    generator: Annotated[str, Option(help="What made a fake, if you know.")] = "",
    folder: Annotated[
        Path,
        Option(help="Folder to keep them in.", envvar="VERAFACE_FEEDBACK_FOLDER", show_envvar=False),
    ] = Path("feedback"),
    model: Model = None,
    never_say_real: NeverSayReal = False,
) -> None:
    """Put images with a wrong verdict aside, with your label and note. Nothing leaves this machine.

    The folder can be given to `veraface evaluate` and `veraface train` as --data.
    """
    from veraface.datasets.feedback import MAX_NOTE, FeedbackFolder, parse_saved
    from veraface.detector import Detector
    from veraface.errors import ImageError
    from veraface.imaging.decode import read_bytes

    if len(note) > MAX_NOTE:
        raise BadParameter(f"has {len(note)} characters; at most {MAX_NOTE} are allowed", param_hint="--note")
    place, detector = FeedbackFolder(folder), Detector(model)
    failures = 0
    for name in images:
        try:
            content, own_label, own_note = read_bytes(name, 2 * detector.limits.max_bytes), label, note
            if saved := parse_saved(content):
                content = _decoded(name, saved.get("image"))
                own_label = own_label or _label(saved.get("label"))
                own_note = own_note or str(saved.get("note", ""))[:MAX_NOTE]
            if own_label is None:
                raise BadParameter("missing; say what the image is: real or fake", param_hint="--label")
            result = detector.detect(content, heatmap=False)
        except ImageError as error:
            failures += fail_at(name, error, as_json=False)
            continue
        kept = place.add(
            content, own_label, result, note=own_note, generator=generator, by=f"user:{user_name()}"
        )
        words = Wording(never_say_real=never_say_real).label(result.verdict).lower()
        print(printable(f"kept as {own_label}: {folder / kept.path} (the verdict was: {words})"))
    if failures:
        raise Exit(1)
    print(printable(f"to measure on all of them: veraface evaluate --data {folder} --split all --out report"))


def _decoded(name: str, image: object) -> bytes:
    try:
        return b64decode(str(image), validate=True)
    except ValueError:
        raise BadParameter(f"{name} is a damaged report: its image is not base64") from None


def _label(label: object) -> Literal["real", "fake"] | None:
    return "real" if label == "real" else "fake" if label == "fake" else None
