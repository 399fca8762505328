"""The key that signs reports. It stays in this process: workers, which decode files, never have it."""

import logging
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from veraface.errors import VerafaceError
from veraface.report.texts import Language
from veraface.results import Verdict
from veraface.server.errors import ApiError
from veraface.server.schemas import ReportVerificationResponse
from veraface.server.settings import ENVIRONMENT_PREFIX, SettingsError
from veraface.wording import Wording
from veraface.workers.messages import ReportMaterial

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_log = logging.getLogger("veraface.server")


class ReportSigner:
    """Writes and verifies signed reports; its methods block. Needs the extra `report`."""

    def __init__(self, path: Path | None) -> None:
        """Take the key in a PEM file, or by default the one of `veraface report`; raise SettingsError."""
        self._lock = Lock()
        self._key: Ed25519PrivateKey | None = None
        if path is not None:
            from veraface.report.signature import read_private_key

            try:
                self._key = read_private_key(path)
            except VerafaceError as error:
                raise SettingsError(f"{ENVIRONMENT_PREFIX}REPORT_KEY: {error}") from None

    def write(
        self,
        material: ReportMaterial,
        content: bytes,
        name: str,
        card: Mapping[str, Any],
        wording: Wording,
        language: Language,
    ) -> bytes:
        """Return the signed report on an image file of that name from what a worker has found in it."""
        from veraface.report.page import contents_of, render
        from veraface.report.signature import fingerprint, sign

        key = self._own_key()
        contents = contents_of(material, content, name, card, wording)
        return sign(render(contents, fingerprint(key.public_key()), wording, language), key)

    def verify(self, file: bytes) -> ReportVerificationResponse:
        """Verify a report; raise an ApiError of status 422 if the file is not a signed report."""
        from veraface.report.signature import ReportError, verify

        try:
            found = verify(file, self._own_key().public_key())
        except ReportError as error:
            raise ApiError(422, "bad_report", str(error)) from None
        facts = _facts(file) if found.intact else {}
        signer = {"own_key": bool(found.expected_key), "fingerprint": found.fingerprint}
        return ReportVerificationResponse.model_validate({"intact": found.intact, **signer, **facts})

    def _own_key(self) -> "Ed25519PrivateKey":
        from veraface.report.signature import default_key_path, new_key, own_key

        with self._lock:
            if self._key is None:
                try:
                    self._key = own_key(default_key_path())
                except (VerafaceError, OSError) as error:
                    _log.warning(
                        "reports are signed with a key that is lost at the end of this server: %s", error
                    )
                    self._key = new_key()
            return self._key


def _facts(file: bytes) -> dict[str, str]:
    """Return name, sha256, time and verdict in a verified report; raise an ApiError if one is missing."""
    from veraface.report.page import read_data

    try:
        data = read_data(file)
        facts = {**data["file"], "time": data["time"], "verdict": Verdict(data["result"]["verdict"])}
        return {name: str(facts[name]) for name in ("name", "sha256", "time", "verdict")}
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ApiError(
            422, "bad_report", "the file is signed, but this version cannot read it as a report"
        ) from None
