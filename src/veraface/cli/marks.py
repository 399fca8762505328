"""Options and messages for the marks of an input, and their transfer to outputs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import BadParameter, Option

from veraface.cli.terminal import printable

if TYPE_CHECKING:
    from veraface.provenance.marks import MarkSigner, SourceMarks

SignCertificate = Annotated[
    Path | None, Option(help="PEM with your certificate and its chain, to sign what is written (C2PA).")
]
SignKey = Annotated[Path | None, Option(help="PEM with the private key of --sign-certificate.")]


def open_signer(certificate: Path | None, key: Path | None) -> "MarkSigner | None":
    """Return the signer that both options name together; None if neither is given."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise BadParameter("--sign-certificate and --sign-key belong together", param_hint="--sign-key")
    from veraface.provenance.marks import MarkSigner

    return MarkSigner(certificate, key)


def report_marks(output: Path, marks: "SourceMarks", *, signed: bool) -> None:
    """Print on standard error how the marks of the input were preserved, if it had any."""
    if not marks:
        return
    about = f"{printable(str(output))} is {marks.describe()}"
    ending = (
        "it carries signed Content Credentials that name its source"
        if signed
        else "it states that, but has no Content Credentials of its own: see --sign-certificate"
    )
    print(f"veraface: {about}; {ending}", file=sys.stderr)
