"""`veraface report`: one analysis as a signed HTML file, and the check that it is still as it was signed."""

from pathlib import Path
from typing import Annotated

import typer

from veraface.cli.terminal import fail, printable
from veraface.utils import needs_extra

_MAX_BYTES = 64 * 2**20  # of a report that is checked


def report(
    image: Annotated[str | None, typer.Argument(help="The image to judge and report on.")] = None,
    out: Annotated[Path | None, typer.Option(help="The .html file to write.")] = None,
    verify: Annotated[
        Path | None, typer.Option(help="A report to check instead: is it as it was signed, and by whom?")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            help="PEM file of an Ed25519 key: the private one to sign with (by default your own, made at the "
            "first use), or the public one of who must have signed what is checked."
        ),
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Another .onnx model, with its card beside it.")] = None,
) -> None:
    """Write a signed report on one image, or check one.

    The report is one HTML file that needs nothing else: the image, its faces and scores, how often such
    scores are wrong, evidence to look at, what the file says of itself, and the limits of it all. --verify
    ends with status 0 if nothing changed, 1 if something did or the key is another.
    """
    if verify is not None:
        if image is not None or out is not None or model is not None:
            raise typer.BadParameter("checks a report; give nothing with it but --key", param_hint="--verify")
        _verify(verify, key)
        return
    if image is None or out is None or out.suffix.lower() not in (".html", ".htm"):
        raise typer.BadParameter("give a PICTURE, and a name that ends in .html", param_hint="--out")
    _write(image, out, key, model)


def _write(image: str, out: Path, key: Path | None, model: Path | None) -> None:
    with needs_extra("report"):
        from veraface.report.contents import gather
        from veraface.report.page import render
        from veraface.report.signature import sign
        from veraface.report.signing_keys import default_key_path, fingerprint, own_key, read_private_key
    from veraface.detector import Detector
    from veraface.errors import ImageError
    from veraface.files import same_file, write_atomic
    from veraface.imaging.decode import file_bytes

    if same_file(out, image):
        raise typer.BadParameter("would write over the image itself", param_hint="--out")
    try:
        content = file_bytes(image)
        secret = own_key(default_key_path()) if key is None else read_private_key(key)
        contents = gather(content, Path(image).name, Detector(model), model)
    except ImageError as error:
        raise typer.Exit(fail(f"{image}: {error}")) from error
    owner = fingerprint(secret.public_key())
    write_atomic(out, sign(render(contents, owner), contents.facts, secret))
    print(f"written to {printable(str(out))}, signed by key {owner}")
    if key is None:
        public = default_key_path().with_suffix(".pub.pem")
        print(f"who is to check it needs your public key, from you: {printable(str(public))}")


def _verify(path: Path, key: Path | None) -> None:
    with needs_extra("report"):
        from veraface.report.signature import ReportError, verify
        from veraface.report.signing_keys import read_public_key
    try:
        known = None if key is None else read_public_key(key)
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise ReportError("is larger than any report")
        check = verify(content, known)
    except OSError as error:
        raise typer.Exit(fail(f"{path}: cannot be read: {error.strerror}")) from error
    except ReportError as error:
        raise typer.Exit(fail(f"{path}: {error}")) from error
    if check.changed:
        fail(f"{path}: CHANGED since it was signed: {'; '.join(check.changed)}")
    if check.known is False:
        fail(f"{path}: signed by another key than the one given: {check.fingerprint}")
    if check.changed or check.known is False:
        raise typer.Exit(1)
    print(f"unchanged, signed by key {check.fingerprint}")
    if check.known is None:
        print(
            "That key came with the report: this proves only that nothing changed since somebody with that "
            "key signed it. Give --key with the public key of the person you have it from to know who."
        )
