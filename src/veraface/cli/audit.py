"""`veraface audit`: verify an audit log, and add the decision of a person to it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Exit, Option, Typer

from veraface.cli.terminal import fail, printable

if TYPE_CHECKING:
    from veraface.audit import AuditLog

audit = Typer(help="Check audit logs and add decisions to them.", no_args_is_help=True)

Log = Annotated[Path, Argument(help="The audit log, a .jsonl file.", metavar="LOG")]


def open_log(path: Path | None, via: str = "command") -> "AuditLog | None":
    """Return the log that the option --audit names, if any; raise AuditError if it cannot be written."""
    if path is None:
        return None
    from veraface.audit import AuditLog

    return AuditLog(path, via=via)


@audit.command()
def verify(
    log: Log,
    head: Annotated[
        str | None, Option(help="Hash of an entry, noted earlier, that the log must contain.")
    ] = None,
) -> None:
    """Verify that no entry of an audit log was changed, removed or inserted.

    Exits with status 0 if the chain of hashes is unbroken, else 1. It prints the hash of the last entry. Note
    it in another place: with --head it proves later that the end was not cut off, and that nobody has written
    the whole log anew.
    """
    from veraface.audit import verify as check

    found = check(log, head)
    for problem in found.problems:
        fail(f"{log}: {problem}")
    for note in found.notes:
        print(printable(f"note: {note}"))
    if found.problems:
        raise Exit(1)
    period = f", from {found.first} to {found.last}" if found.entries else ""
    print(printable(f"unchanged: {found.entries} entries{period}"))
    print(f"hash of the last entry: {found.head}")


@audit.command()
def decide(
    log: Log,
    image: Annotated[
        str, Argument(help="The image or video; the decision is on its last analysis in the log.")
    ],
    decision: Annotated[
        Literal["fake", "real", "undecided"], Argument(help="What a person decided about it.")
    ],
    note: Annotated[str, Option(help="Reasons, up to 2,000 characters.")] = "",
    actor: Annotated[
        str | None, Option("--by", help="Who decided; the user of this system if not given.")
    ] = None,
) -> None:
    """Add to an audit log what a person decided about an image."""
    from veraface.audit import AuditLog, FileId
    from veraface.audit.log import MAX_NOTE

    sha256 = FileId.of_path(image).sha256
    if len(note) > MAX_NOTE:
        raise Exit(fail(f"the note has {len(note)} characters; at most {MAX_NOTE} are allowed"))
    if not log.is_file():
        raise Exit(fail(f"{log}: no such audit log"))
    opened = AuditLog(log, actor=actor, via="command")
    analysis = opened.latest(sha256)
    if analysis is None:
        raise Exit(fail(f"{image}: this log has no analysis of it (SHA-256 {sha256})"))
    added = opened.add_decision(analysis["hash"], decision, note)
    print(f"added: {decision}, about the analysis of {analysis['time']}; hash of the entry: {added}")
