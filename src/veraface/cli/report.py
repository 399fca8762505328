"""`veraface report`: write one analysis as a signed HTML file, or verify one."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

from typer import Argument, BadParameter, Exit, Option

from veraface.cli.audit import open_log
from veraface.cli.options import Audit, Model, NeverSayReal, TrustAnchors, TrustLists, TrustMark, WordsOnly
from veraface.cli.terminal import fail, printable
from veraface.files import same_file, write_atomic
from veraface.report.texts import Language
from veraface.utils import needs_extra
from veraface.wording import Wording


def report(
    image: Annotated[str | None, Argument(help="The image to analyze.")] = None,
    out: Annotated[Path | None, Option(help="The .html file to write.")] = None,
    verify: Annotated[Path | None, Option(help="A report to verify instead of writing one.")] = None,
    key: Annotated[
        Path | None,
        Option(help="PEM of an Ed25519 key: private (default: yours, made at first use) or public."),
    ] = None,
    model: Model = None,
    trust_anchors: TrustAnchors = None,
    trust_lists: TrustLists = True,
    trustmark: TrustMark = None,
    audit: Audit = None,
    words_only: WordsOnly = False,
    never_say_real: NeverSayReal = False,
    language: Annotated[
        Language, Option(help="Language of the report; its collapsed section stays in English.")
    ] = "en",
) -> None:
    """Write a signed report on one image, or verify one.

    The report is one self-contained HTML file: the image, its faces and scores, error rates of the model,
    forensic views, what the file claims, and the limits of use. --verify exits with status 0 if nothing
    changed, and with 1 if something did or another key signed it.
    """
    if verify is not None:
        if image is not None or out is not None or model is not None:
            raise BadParameter("can be combined with --key only", param_hint="--verify")
        _verify(verify, key)
        return
    if image is None:
        raise BadParameter("missing; name an image, or a report with --verify", param_hint="IMAGE")
    if out is None or out.suffix.lower() not in (".html", ".htm"):
        raise BadParameter("takes an output name ending in .html", param_hint="--out")
    if same_file(out, image):
        raise BadParameter("would overwrite the image itself", param_hint="--out")
    with needs_extra("report"):
        from veraface.report import page, signature
    from veraface.audit.entries import FileId
    from veraface.detector import Detector
    from veraface.errors import ImageError
    from veraface.imaging.decode import read_bytes
    from veraface.models.trustmark import load_trustmark
    from veraface.provenance.credentials import CredentialReader

    credentials = CredentialReader(trust_anchors, trust_lists=trust_lists)
    wording, log, content = Wording(words_only, never_say_real), open_log(audit), b""
    try:
        content = read_bytes(image)
        own_path = signature.default_key_path()
        secret = signature.own_key(own_path) if key is None else signature.read_private_key(key)
        decoders, name, detector = load_trustmark(trustmark), Path(image).name, Detector(model)
        contents = page.gather(content, name, detector, model, wording, decoders, credentials)
    except ImageError as error:
        if log is not None and content:
            log.add_outcome(FileId.of(content), {"error": error.code})
        raise Exit(fail(f"{image}: {error}")) from error
    if log is not None:
        log.add_analysis(FileId.of(content), contents.facts["result"])
    owner = signature.fingerprint(secret.public_key())
    write_atomic(out, signature.sign(page.render(contents, owner, wording, language), secret))
    print(f"written to {printable(str(out))}, signed by key {owner}")
    if key is None:
        public, pem = own_path.with_suffix(".pub.pem"), signature.public_pem(secret.public_key())
        shown = f"\n{pem.decode()}"
        with suppress(OSError):  # it could not be written
            shown = printable(str(public)) if public.read_bytes() == pem else shown
        print(f"to verify it, others need your public key: {shown}")


def _verify(path: Path, key: Path | None) -> None:
    with needs_extra("report"):
        from veraface.report.signature import MAX_BYTES, ReportError, read_public_key, verify
    try:
        known = None if key is None else read_public_key(key)
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ReportError(f"is not a report: larger than {MAX_BYTES // 2**20} MiB")
        found = verify(content, known)
    except (OSError, ReportError) as error:
        reason = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else error
        raise Exit(fail(f"{path}: {reason}")) from error
    failures = 0
    if not found.intact:
        failures += fail(f"{path}: CHANGED since it was signed")
    if found.expected_key is False:
        failures += fail(f"{path}: signed by another key than the one given: {found.fingerprint}")
    if failures:
        raise Exit(1)
    print(f"unchanged, signed by key {found.fingerprint}")
    if found.expected_key is None:
        print(
            "That key came with the report: this proves only that nothing changed since its owner signed it. "
            "To verify who that is, give --key with the public key of the person who sent you the report."
        )
