"""C2PA Content Credentials (specification 2.4), validated by `c2pa-python` without network access."""

import json
import re
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from veraface.errors import VerafaceError
from veraface.imaging.decode import ImageFile
from veraface.imaging.formats import FORMATS
from veraface.imaging.guards import ContainerInfo
from veraface.provenance.claims import Action, Credentials, CredentialState, TrustListInfo
from veraface.provenance.signals import action_lists, find_signals
from veraface.provenance.texts import MAX_ENTRIES, clean_text, mapping, mappings, source_type_name
from veraface.provenance.trust import STATES, TrustList, load_lists, own_list

_MAX_REPORT = 4 * 2**20  # characters; the report on an image with dozens of ingredients has some 100,000
# Nothing is ever fetched, whatever a file refers to: no manifest, no revocation status of a certificate.
_OFFLINE = {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False}
_FOUND_IN = re.compile(r"found in \[(.*?)\]")  # the list, or nothing for a signer that a list names itself
_TIME_STAMPS = "time stamps"


@cache
def _library() -> Any:
    """Return `c2pa`, or None if it is not installed or cannot be loaded on this system."""
    try:
        import c2pa
    except (ImportError, OSError, RuntimeError):  # its native library may not fit this system
        return None
    return c2pa


class CredentialReader:
    """Reads Content Credentials, validates them, and finds their signer on trust lists."""

    def __init__(self, trust_anchors: Path | str | None = None, *, trust_lists: bool = True) -> None:
        """Load the trust lists; nothing else is read from disk.

        Args:
            trust_anchors: a PEM file with authorities of your own, checked before the lists.
            trust_lists: recognize signers on the lists of this package and of `veraface trust update`.

        Raises:
            VerafaceError: a file is missing or damaged, or `trust_anchors` are given without c2pa-python.
        """
        own = None if trust_anchors is None else _read_anchors(Path(trust_anchors))
        if own is not None and _library() is None:
            message = "needs c2pa-python, which is not installed: pip install 'veraface[provenance]'"
            raise VerafaceError(f"{trust_anchors}: a list of trust anchors {message}")
        lists = load_lists() if trust_lists and _library() is not None else []
        self._sets = [(item.info, _anchor_set(item)) for item in ([own] if own else []) + lists]
        stamps = "".join(item.time_stamps for item in lists)
        self._time_stamps = {"trust_uri": _TIME_STAMPS, "trust_kind": "tsa", "trust_anchors": stamps}

    def read(self, image: ImageFile) -> Credentials:
        """Return the Content Credentials of an image file and whether they are valid."""
        return self.read_data(image.data, FORMATS[image.format].media_type, image.container)

    def read_data(self, data: bytes | Path | None, media_type: str, container: ContainerInfo) -> Credentials:
        """Return the Content Credentials of a file, its bytes or its path, given what was found in it."""
        if _library() is None:
            return Credentials(CredentialState.NOT_INSTALLED, found=container.has_c2pa)
        if data is None or not container.has_c2pa:
            return Credentials(CredentialState.ABSENT)
        credentials = self._check(data, media_type)
        if isinstance(data, Path) or credentials.state is not CredentialState.INVALID:
            return credentials
        if container.end is not None and container.end < len(data):
            # What was appended after signing is not part of the image; what phones append before is signed.
            alone = self._check(data[: container.end], media_type)
            credentials = credentials if alone.state is CredentialState.INVALID else alone
        return credentials

    def _check(self, data: bytes | Path, media_type: str) -> Credentials:
        sets = [self._time_stamps, *(anchors for _, anchors in self._sets)]
        try:
            report, state = _validate(data, media_type, sets)
            if len(report) > _MAX_REPORT:
                return Credentials(CredentialState.INVALID, found=True, problems=("report.tooLarge",))
            parsed = json.loads(report)
            if state == "Trusted":
                return self._find_list(data, media_type) or _credentials(
                    parsed, CredentialState.UNTRUSTED_SIGNER
                )
        except _library().C2paError as error:
            kind = str(error).partition(":")[0]  # only the kind, as the rest may quote the file
            if kind == "ManifestNotFound":  # the container held something else
                return Credentials(CredentialState.ABSENT)
            problem = clean_text(kind, 60) or "unreadable"
            return Credentials(CredentialState.INVALID, found=True, problems=(problem,))
        return _credentials(
            parsed, CredentialState.UNTRUSTED_SIGNER if state == "Valid" else CredentialState.INVALID
        )

    def _find_list(self, data: bytes | Path, media_type: str) -> Credentials | None:
        """Validate against each list, as the library names a random one if a signer is on several."""
        for info, anchors in self._sets:
            report, state = _validate(data, media_type, [anchors, self._time_stamps])
            parsed = json.loads(report)
            if state == "Trusted" and _signer_is_on(info.name, parsed):
                return _credentials(parsed, STATES.get(info.name, CredentialState.VALID), info)
        return None


def _validate(data: bytes | Path, media_type: str, sets: list[dict[str, str]]) -> tuple[str, str]:
    """Return the report of the library, as JSON, and its validation state."""
    library = _library()
    settings = {"verify": _OFFLINE, "trust": {"anchors": sets}}
    # Making a context takes a millisecond; none is kept, as it cannot be used after a fork.
    with (
        BytesIO(data) if isinstance(data, bytes) else data.open("rb") as stream,
        library.Context.from_dict(settings) as context,
        library.Reader(media_type, stream, context=context) as reader,
    ):
        return reader.json(), str(reader.get_validation_state())


def _anchor_set(item: TrustList) -> dict[str, str]:
    return {
        "trust_uri": item.info.name,
        "trust_kind": "manifest",
        "trust_anchors": item.anchors,
        "allowed_list": item.allowed,
    }


def _signer_is_on(name: str, report: dict[str, Any]) -> bool:
    """Return whether the signer, and not only its time stamp, was found on this list."""
    results = mapping(mapping(report.get("validation_results")).get("activeManifest"))
    for status in mappings(results.get("success")):
        if status.get("code") == "signingCredential.trusted":
            found = _FOUND_IN.search(str(status.get("explanation")))
            return found is None or found[1] in ("", name)
    return False


def _read_anchors(path: Path) -> TrustList:
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a PEM file"
        raise VerafaceError(f"{path}: trust anchors cannot be read: {reason}") from error
    import ssl  # slow to load, and rarely needed

    try:
        # C2PA skips silently what it cannot read.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
        return own_list(text)
    except (ssl.SSLError, ValueError) as error:  # ValueError: empty
        raise VerafaceError(f"{path}: the trust anchors must all be certificates in PEM format") from error


def _credentials(
    report: dict[str, Any], state: CredentialState, trust_list: TrustListInfo | None = None
) -> Credentials:
    manifests = {k: v for k, v in mapping(report.get("manifests")).items() if isinstance(v, dict)}
    active_name = report.get("active_manifest")
    active = mapping(manifests.get(str(active_name)))
    actions = _actions(active, of_ingredient=False)
    signals = find_signals(active, of_ingredient=False)
    for name, manifest in manifests.items():
        if name != active_name:
            actions += _actions(manifest, of_ingredient=True)
            signals += find_signals(manifest, of_ingredient=True)
    signature = mapping(active.get("signature_info"))
    types = dict.fromkeys(action.source_type for action in actions if action.source_type)
    codes = (clean_text(item.get("code"), 80) for item in mappings(report.get("validation_status")))
    return Credentials(
        state,
        found=True,
        title=clean_text(active.get("title")),
        generator=_generator(active),
        signer=clean_text(signature.get("issuer")),
        signed_at=clean_text(signature.get("time")),
        source_types=tuple(types)[:MAX_ENTRIES],
        actions=tuple(actions[:MAX_ENTRIES]),
        problems=tuple(dict.fromkeys(code for code in codes if code))[:MAX_ENTRIES],
        trust_list=trust_list,
        signals=tuple(dict.fromkeys(signals))[:MAX_ENTRIES],
    )


def _generator(manifest: dict[str, Any]) -> str | None:
    named = mappings(manifest.get("claim_generator_info"))
    if named and isinstance(named[0].get("name"), str):
        return clean_text(" ".join(str(named[0][key]) for key in ("name", "version") if named[0].get(key)))
    return clean_text(manifest.get("claim_generator"))


def _actions(manifest: dict[str, Any], *, of_ingredient: bool) -> list[Action]:
    found = []
    for content in action_lists(manifest):
        for step in mappings(content.get("actions")):
            agent = step.get("softwareAgent")
            action = Action(
                clean_text(step.get("action")) or "",
                software=clean_text(agent.get("name") if isinstance(agent, dict) else agent),
                when=clean_text(step.get("when")),
                source_type=source_type_name(step.get("digitalSourceType")),
                description=clean_text(step.get("description")),
                of_ingredient=of_ingredient,
            )
            found += [action] if action.action else []
    return found[:MAX_ENTRIES]
