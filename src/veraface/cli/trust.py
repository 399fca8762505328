"""`veraface trust`: show and update the trust lists for Content Credentials."""

import json
import re
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Argument, BadParameter, Option

from veraface.cli.terminal import printable
from veraface.errors import VerafaceError

if TYPE_CHECKING:
    from veraface.provenance.trust import TrustList

_TIMEOUT_S = 30
_TIME_STAMP_FILE = re.compile(r"(?<![a-z])tsa|time.?stamp", re.IGNORECASE)  # as C2PA-TSA-TRUST-LIST.pem


def list_lists(
    as_json: Annotated[bool, Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the trust lists in use: date, number of certificates, SHA-256 and source."""
    from veraface.provenance.trust import load_lists

    lists = load_lists()
    if as_json:
        print(json.dumps([_facts(item) for item in lists], indent=2))
        return
    for item in lists:
        facts = _facts(item)
        print(f"{facts['name']}: {printable(item.info.title)}, as of {item.info.date} ({facts['origin']})")
        print(f"  {facts['authorities']} authorities, {facts['single_signers']} single signers")
        print(f"  SHA-256  {item.info.sha256}")
        print(f"  source   {printable(item.source)}")
        print(f"  terms    {printable(item.license)}")


def update(
    name: Annotated[Literal["official", "interim", "publishers"], Argument(help="The list to update.")],
    sources: Annotated[
        list[str], Argument(metavar="FILE|URL...", help="PEM files of the list, or https addresses of them.")
    ],
    date: Annotated[
        datetime | None, Option(formats=["%Y-%m-%d"], help="Date of the list; default: today.")
    ] = None,
    time_stamps: Annotated[
        list[str] | None,
        Option(metavar="FILE|URL", help="PEM file of the list with its authorities of time stamps."),
    ] = None,
    sha256: Annotated[
        list[str] | None,
        Option(help="Expected SHA-256 of each file in their order, those of --time-stamps last."),
    ] = None,
) -> None:
    """Replace a trust list by a newer one, from files or addresses that you name.

    It is stored in your settings folder and used from then on. This is the only command that fetches a
    trust list, and it does so only from the addresses you type.
    """
    from hashlib import sha256 as digest

    from veraface.provenance.trust import update_list

    stamps = time_stamps or []
    _check_roles(name, sources, stamps)
    if sha256 and len(sha256) != len(sources) + len(stamps):
        raise BadParameter("give one for each file", param_hint="--sha256")
    files: dict[str, bytes] = {}
    for source, expected in zip_longest((*sources, *stamps), sha256 or ()):
        files[source] = _read(source)
        found = digest(files[source]).hexdigest()
        if expected is not None and found != expected.strip().lower():
            raise VerafaceError(f"{source}: its SHA-256 is {found}, not the expected {expected}")
    day = (date or datetime.now(UTC)).date().isoformat()
    of_stamps = {source: files.pop(source) for source in stamps}
    item = update_list(name, files, day, ", ".join((*sources, *stamps)), time_stamps=of_stamps)
    facts = _facts(item)
    counts = f"{facts['authorities']} authorities and {facts['single_signers']} single signers"
    print(f"{name}: {counts}, as of {day}, SHA-256 {item.info.sha256}")


def _check_roles(name: str, sources: list[str], stamps: list[str]) -> None:
    """Refuse an update in which authorities of time stamps could be taken for authorities of signers."""
    if name == "official" and not stamps:
        message = "name the file of the official list with its authorities of time stamps"
        raise BadParameter(message, param_hint="--time-stamps")
    if set(sources) & set(stamps):
        raise BadParameter("names a file that is also given for signers", param_hint="--time-stamps")
    for source in sources:
        if _TIME_STAMP_FILE.search(source.rpartition("/")[2]):
            message = f"{source} seems to have authorities of time stamps; name it with --time-stamps"
            raise BadParameter(message, param_hint="FILE|URL...")


def _facts(item: "TrustList") -> dict[str, object]:
    authorities, single = item.counts
    return {
        **item.info.to_dict(),
        "origin": "updated" if item.updated else "shipped",
        "authorities": authorities,
        "single_signers": single,
        "source": item.source,
        "license": item.license,
    }


def _read(source: str) -> bytes:
    """Read a file, or fetch an https address; at most the size of any real list."""
    from http.client import HTTPException
    from urllib.error import URLError

    from veraface.provenance.trust import MAX_BYTES

    scheme = source.partition("://")[0].lower()
    if scheme == "http":
        raise VerafaceError(
            f"{source}: must be an https address, so that nobody can change the list on its way"
        )
    try:
        if scheme == "https":
            content = _fetch(source, MAX_BYTES + 1)
        else:
            with Path(source).open("rb") as file:
                content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError, HTTPException) as error:
        cause = error.reason if isinstance(error, URLError) and not hasattr(error, "code") else error
        detail = getattr(cause, "verify_message", None)
        reason = f"its certificate is not trusted: {detail}" if detail else getattr(cause, "strerror", None)
        raise VerafaceError(f"{source}: cannot be read: {reason or cause}") from error
    if len(content) > MAX_BYTES:
        raise VerafaceError(f"{source}: larger than any trust list; give the PEM file of the list")
    return content


def _fetch(address: str, max_bytes: int) -> bytes:
    """Return the body of the response from an https address; of a larger one its first `max_bytes`."""
    from urllib.request import HTTPRedirectHandler, build_opener

    class HttpsOnly(HTTPRedirectHandler):
        """Refuses every step of a redirection that is not https."""

        def redirect_request(self, *request: Any) -> Any:
            if not request[-1].startswith("https://"):
                raise VerafaceError(f"{address}: redirects to an address without https: {request[-1]}")
            return super().redirect_request(*request)

    with build_opener(HttpsOnly).open(address, timeout=_TIMEOUT_S) as response:
        content: bytes = response.read(max_bytes)
        missing = response.length  # read() does not notice that a connection ended too early
    if missing and len(content) < max_bytes:
        raise VerafaceError(f"{address}: ended {missing} bytes before its end; try again")
    return content
