"""`veraface mcp`: let an assistant on this machine analyze files."""

from pathlib import Path
from typing import Annotated

from typer import Argument

from veraface.cli.audit import open_log
from veraface.cli.options import Audit, Model, NeverSayReal, TrustAnchors, TrustLists, TrustMark, WordsOnly
from veraface.utils import needs_extra
from veraface.wording import Wording


def mcp(
    folders: Annotated[
        list[Path], Argument(metavar="FOLDER...", help="Folders whose files the assistant may read.")
    ],
    trust_anchors: TrustAnchors = None,
    trust_lists: TrustLists = True,
    trustmark: TrustMark = None,
    model: Model = None,
    audit: Audit = None,
    words_only: WordsOnly = False,
    never_say_real: NeverSayReal = False,
) -> None:
    """Serve the Model Context Protocol on standard input and output, for an assistant on this machine.

    The assistant starts this command itself. It gets the tools detect_image, detect_video and
    inspect_provenance, reads files in the named folders only, and never gets the images.
    """
    with needs_extra("mcp"):
        from veraface.mcp.server import Tools, build_server
    from veraface.detector import Detector
    from veraface.mcp.folders import AllowedFolders
    from veraface.models.trustmark import load_trustmark
    from veraface.provenance.credentials import CredentialReader

    allowed = AllowedFolders(folders)
    log, wording = open_log(audit, via="mcp"), Wording(words_only, never_say_real)
    reader = CredentialReader(trust_anchors, trust_lists=trust_lists)
    decoders = load_trustmark(trustmark)
    tools = Tools(allowed, Detector(model), wording, reader, log, decoders)
    build_server(tools).run("stdio")
