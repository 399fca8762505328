"""Trust lists: the certificates whose Content Credentials are recognized, from dated files with SHA-256."""

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
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_HASH = re.compile(
    r"^[A-Za-z0-9+/]{43}=$", re.MULTILINE
)  # SHA-256 of a certificate, as the interim list has it
_TIME_STAMPING = bytes.fromhex("06082b06010505070308")  # DER of id-kp-timeStamping (RFC 5280, 4.2.1.12)


@dataclass(frozen=True)
class TrustList:
    """One list: authorities, single certificates, and authorities of time stamps.

    Attributes:
        info: its name, title, date and SHA-256.
        source: where it was published.
        license: its terms.
        updated: whether `veraface trust update` stored it; else it is part of the package.
        text: its files, one behind the other.
    """

    info: TrustListInfo
    source: str
    license: str
    updated: bool
    text: str

    @cached_property
    def _certificates(self) -> dict[bytes, str]:
        """The PEM of each certificate by its DER."""
        blocks = _PEM.findall(self.text)
        return {ssl.PEM_cert_to_DER_cert(block): block for block in blocks}

    @cached_property
    def _authorities(self) -> set[bytes]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for certificate in self._certificates:
            context.load_verify_locations(cadata=certificate)
        return set(context.get_ca_certs(binary_form=True))

    @cached_property
    def _hashes(self) -> list[str]:
        return _HASH.findall(_PEM.sub("", self.text))

    @property
    def anchors(self) -> str:
        """PEM of the authorities that certify signers."""
        return self._join(c for c in self._authorities if _TIME_STAMPING not in c)

    @property
    def time_stamps(self) -> str:
        """PEM of the authorities that issue nothing but time stamps."""
        return self._join(c for c in self._authorities if _TIME_STAMPING in c)

    @property
    def allowed(self) -> str:
        """The signers that are named themselves: PEM, or lines with the SHA-256 of a certificate."""
        single = self._join(c for c in self._certificates if c not in self._authorities)
        return single + "".join(f"{line}\n" for line in self._hashes)

    @property
    def counts(self) -> tuple[int, int]:
        """How many authorities the list has, of signers and of time stamps, and how many single signers."""
        single = len(self._certificates) - len(self._authorities) + len(self._hashes)
        return len(self._authorities), single

    def _join(self, certificates: Iterable[bytes]) -> str:
        return "".join(f"{self._certificates[certificate]}\n" for certificate in sorted(certificates))

    def check(self) -> None:
        """Raise `ValueError` if it has no certificates, too many, or damaged ones."""
        try:
            authorities, single = self.counts
        except (ssl.SSLError, ValueError) as error:
            raise ValueError("contains a damaged certificate") from error
        if not authorities + single:
            raise ValueError("contains no certificate in PEM form")
        if authorities + single > _MAX_CERTIFICATES:
            raise ValueError(f"contains more than {_MAX_CERTIFICATES} certificates")


def own_list(text: str) -> TrustList:
    """Return the authorities that a user names in a PEM file as a list."""
    return TrustList(TrustListInfo("own", "your list", None, _sha256(text.encode())), "", "", True, text)


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
    name: str, files: Mapping[str, bytes], date: str, source: str, folder: Path | None = None
) -> TrustList:
    """Store the files of a newer list, by their names, and return it.

    Raises:
        VerafaceError: the name is unknown, the files hold no certificates, or they cannot be stored.
    """
    if name not in STATES:
        raise VerafaceError(f"unknown list {name!r}; choose {', '.join(STATES)}")
    shipped = json.loads((SHIPPED / name / "list.json").read_text(encoding="utf-8"))
    about = {key: shipped[key] for key in ("title", "license")} | {"date": date, "source": source}
    if name == "interim":
        about["title"] = shipped["title"].partition(",")[0]
    about["files"] = {file: _sha256(content) for file, content in files.items()}
    checked = _parse(name, about, files, updated=True)
    try:
        checked.check()
    except ValueError as error:
        raise VerafaceError(f"{source}: {error}; give the PEM file of the list") from error
    target = (trust_folder() if folder is None else folder) / name
    ensure_writable_dir(target)
    for file, content in files.items():
        write_atomic(target / file, content)
    write_atomic(target / "list.json", json.dumps(about, indent=2) + "\n")  # last: it makes the files count
    return checked


def _load(folder: Path, *, updated: bool) -> TrustList:
    try:
        about = json.loads((folder / "list.json").read_text(encoding="utf-8"))
        files = {name: (folder / name).read_bytes() for name in about["files"] if Path(name).name == name}
        for name, digest in about["files"].items():
            if _sha256(files[name]) != digest:
                raise VerafaceError(
                    f"{folder / name}: was changed since it was stored; update the list again"
                )
        found = _parse(folder.name, about, files, updated=updated)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise VerafaceError(f"{folder}: the trust list cannot be read; update it again") from error
    return found


def _parse(name: str, about: Mapping[str, Any], files: Mapping[str, bytes], *, updated: bool) -> TrustList:
    hashes = list(about["files"].values())
    digest = hashes[0] if len(hashes) == 1 else _sha256("".join(hashes).encode())
    text = "\n".join(content.decode("utf-8", "replace") for content in files.values())
    info = TrustListInfo(name, str(about["title"]), str(about["date"]), digest)
    return TrustList(info, str(about["source"]), str(about["license"]), updated, text)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
