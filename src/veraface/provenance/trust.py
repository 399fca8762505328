"""Trust lists: the certificates whose Content Credentials are recognized, from dated files with SHA-256."""

import codecs
import hashlib
import json
import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from veraface.errors import VerafaceError
from veraface.files import ensure_writable_dir, settings_folder, write_atomic
from veraface.provenance.claims import CredentialState, TrustListInfo

SHIPPED = Path(__file__).with_name("trust_lists")
# In the order in which they are checked: the most specific statement about a signer first.
STATES = {
    "publishers": CredentialState.VERIFIED_PUBLISHER,
    "official": CredentialState.TRUSTED_OFFICIAL,
    "interim": CredentialState.TRUSTED_INTERIM,
}
MAX_BYTES = 4 * 2**20  # of one file; the largest of the shipped ones has 44 kB
_MAX_CERTIFICATES = 5_000
_BEGIN = "BEGIN CERTIFICATE"
_PEM = re.compile(rf"-----{_BEGIN}-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_HASH = re.compile(r"^[A-Za-z0-9+/]{43}=$", re.MULTILINE)  # SHA-256 of a certificate, in the interim list
# Lists name the owners of certificates between them (RFC 7468, 5.2), in short words or with spaces.
_DAMAGED = re.compile(r"[^\s#]\S{19,}|.*-----.*")
# Authorities that issue nothing but time stamps: DER of id-kp-timeStamping (RFC 5280, 4.2.1.12), or a name.
_TIME_STAMPING = re.compile(
    rb"\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x08|time.?stamp", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True)
class TrustList:
    """One list: authorities, single certificates, and authorities of time stamps.

    Attributes:
        info: its name, title, date and SHA-256.
        source: where it was published.
        license: its terms; of a list of which the package has an extract only, what that is.
        updated: whether `veraface trust update` stored it; else it is part of the package.
        text: its files about signers, concatenated.
        time_stamp_text: its files about authorities of time stamps alone, concatenated.
    """

    info: TrustListInfo
    source: str
    license: str
    updated: bool
    text: str
    time_stamp_text: str = ""

    @cached_property
    def _certificates(self) -> dict[bytes, str]:
        """The PEM of each certificate by its DER."""
        return {ssl.PEM_cert_to_DER_cert(block): block for block in _PEM.findall(self.text)}

    @cached_property
    def _authorities(self) -> set[bytes]:
        return _authorities(self._certificates)

    @cached_property
    def _time_stamps(self) -> dict[bytes, str]:
        """The same of authorities of time stamps that certify no signers.

        c2pa-python does not recognize a signer whose authority is given to it for both.
        """
        blocks = _PEM.findall(self.time_stamp_text)
        listed = {ssl.PEM_cert_to_DER_cert(block): block for block in blocks}
        own = {c: self._certificates[c] for c in self._authorities if _TIME_STAMPING.search(c)}
        return {c: listed[c] for c in _authorities(listed) - self._authorities} | own

    @cached_property
    def _hashes(self) -> list[str]:
        return _HASH.findall(_PEM.sub("", self.text))

    @property
    def anchors(self) -> str:
        """PEM of the authorities that certify signers."""
        return _join(self._certificates[c] for c in self._authorities if not _TIME_STAMPING.search(c))

    @property
    def time_stamps(self) -> str:
        """PEM of the authorities of time stamps; they vouch for no signer."""
        return _join(self._time_stamps.values())

    @property
    def allowed(self) -> str:
        """The signers that are named themselves: PEM, or lines with the SHA-256 of a certificate."""
        single = _join(pem for c, pem in self._certificates.items() if c not in self._authorities)
        return single + "".join(f"{line}\n" for line in self._hashes)

    @property
    def counts(self) -> tuple[int, int]:
        """How many authorities the list has, of signers and of time stamps, and how many single signers."""
        single = len(self._certificates) - len(self._authorities) + len(self._hashes)
        return len(self._authorities | self._time_stamps.keys()), single

    def check(self) -> None:
        """Raise `ValueError` if it names no signers, too many, or damaged certificates."""
        try:
            authorities, single = self.counts
        except (ssl.SSLError, ValueError) as error:
            raise ValueError("contains a damaged certificate") from error
        if not self.anchors and not self.allowed:
            raise ValueError("contains no certificate for signers, only for time stamps")
        if authorities + single > _MAX_CERTIFICATES:
            raise ValueError(f"contains more than {_MAX_CERTIFICATES} certificates")


def read_certificates(content: bytes) -> str:
    """Return the text of a file of a list, with plain line breaks.

    Raises:
        ValueError: it contains no certificates, or something that would be skipped silently.
    """
    lines = content.removeprefix(codecs.BOM_UTF8).splitlines()  # of bytes: at \r and \n only
    text = "\n".join(line.decode("utf-8", "replace").strip() for line in lines)
    blocks, rest = len(_PEM.findall(text)), _PEM.sub("", text)
    if text.count(_BEGIN) != blocks:
        raise ValueError("contains a certificate that is damaged or cut off")
    if not blocks and not _HASH.search(rest):
        raise ValueError("contains no certificate in PEM form")
    for line in rest.split("\n"):
        is_text = not line or line.startswith("#") or (blocks and not _DAMAGED.fullmatch(line))
        if not is_text and not _HASH.fullmatch(line):
            raise ValueError(f"contains a line that is not a certificate, hash or comment: {line[:60]!a}")
    return text


def _authorities(certificates: Iterable[bytes]) -> set[bytes]:
    """Return the certificates, as DER, that may certify others."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for certificate in certificates:
        context.load_verify_locations(cadata=certificate)
    return set(context.get_ca_certs(binary_form=True))


def _join(blocks: Iterable[str]) -> str:
    return "".join(f"{block}\n" for block in sorted(blocks))


def own_list(text: str) -> TrustList:
    """Return the authorities that a user names in a PEM file as a list; raise ValueError if it is damaged."""
    info = TrustListInfo("own", "your list", None, _sha256(text.encode()))
    return TrustList(info, "", "", True, read_certificates(text.encode()))


def trust_folder() -> Path:
    """Return the folder for updated lists among this user's settings."""
    return settings_folder() / "trust-lists"


def load_lists(folder: Path | None = None) -> list[TrustList]:
    """Return the lists in the order of `STATES`: of each the one in `folder`, else the shipped one.

    Raises:
        VerafaceError: a file is missing or was changed.
    """
    folder = trust_folder() if folder is None else folder
    found = []
    for name in STATES:
        updated = (folder / name / "list.json").is_file()
        found.append(_load((folder if updated else SHIPPED) / name, updated=updated))
    return found


def update_list(
    name: str,
    files: Mapping[str, bytes],
    date: str,
    source: str,
    folder: Path | None = None,
    time_stamps: Mapping[str, bytes] | None = None,
) -> TrustList:
    """Store the files of a newer list, and return it.

    Args:
        name: of the list, a key of `STATES`.
        files: content of its files about signers, by their names.
        date: as of which day, ISO 8601.
        source: where the files come from.
        folder: where to store it; the folder of this user's settings if None.
        time_stamps: content of its files with authorities of time stamps alone, by their names.

    Raises:
        VerafaceError: the name is unknown, a file is damaged or names no signer, or cannot be stored.
    """
    if name not in STATES:
        raise VerafaceError(f"unknown list {name!r}; choose {', '.join(STATES)}")
    shipped = _about(SHIPPED / name)
    about: dict[str, Any] = {"title": shipped["title"], "date": date, "source": source}
    if name == "interim":
        about["title"] = shipped["title"].partition(",")[0]
    stamps = dict(time_stamps or {})
    if set(files.values()) & set(stamps.values()):
        raise VerafaceError(f"{source}: the same file is given for signers and for time stamps")
    contents = dict(files) | stamps
    about |= {"files": {}, "time_stamps": list(stamps), "contents": {}}
    at = source
    try:
        for at, content in contents.items():
            read_certificates(content)
            about["files"][at], about["contents"][at] = _sha256(content), content.decode("utf-8")
        at = source
        checked = _parse(name, about, contents, updated=True)
        checked.check()
    except ValueError as error:
        raise VerafaceError(f"{at}: {error}; give the PEM file of the list") from error
    target = (trust_folder() if folder is None else folder) / name
    ensure_writable_dir(target)
    # In one file, so that an update that is stopped, or another one at the same time, leaves a whole list.
    write_atomic(target / "list.json", json.dumps(about, indent=2) + "\n")
    return checked


def _about(folder: Path) -> dict[str, Any]:
    about: dict[str, Any] = json.loads((folder / "list.json").read_text(encoding="utf-8"))
    return about


def _load(folder: Path, *, updated: bool) -> TrustList:
    try:
        about = _about(folder)
        if updated:
            files = {name: text.encode() for name, text in about["contents"].items()}
        else:
            files = {name: (folder / name).read_bytes() for name in about["files"]}
        for name, digest in about["files"].items():
            if _sha256(files[name]) != digest:
                raise VerafaceError(f"{folder}: {name} was changed since it was stored; update it again")
        found = _parse(folder.name, about, files, updated=updated)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise VerafaceError(f"{folder}: the trust list cannot be read; update it again") from error
    return found


def _parse(name: str, about: Mapping[str, Any], files: Mapping[str, bytes], *, updated: bool) -> TrustList:
    hashes = list(about["files"].values())
    digest = hashes[0] if len(hashes) == 1 else _sha256("".join(hashes).encode())
    texts = {file: read_certificates(files[file]) for file in about["files"]}
    stamps = [texts.pop(file) for file in about["time_stamps"]]
    info = TrustListInfo(name, str(about["title"]), str(about["date"]), digest)
    shipped = _about(SHIPPED / name)
    terms = str(shipped["license"])  # a newer list has the same
    if not updated and "extract" in shipped:
        terms += f"; {shipped['extract']}"
    about_list = info, str(about["source"]), terms, updated
    return TrustList(*about_list, "\n".join(texts.values()), "\n".join(stamps))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
