"""API keys: who may have images judged. The server knows their digests only."""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from veraface.server.errors import ApiError

_PREFIX = "vf_"  # so that scanners for lost secrets can know one
_RANDOM_BYTES = 32

# These take the key out of the request, and tell the API's document that there is one.
_bearer = HTTPBearer(auto_error=False, description="the key, as `Authorization: Bearer KEY`")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="or as `X-API-Key: KEY`")


def make_key() -> str:
    """A new key: 256 random bits, so that a plain digest of it cannot be guessed back."""
    return _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def digest(key: str) -> str:
    """What the server keeps of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


class KeyCheck:
    """A dependency of routes that need a key; the digest of the one given is then `request.state.key`.

    Args:
        digests: Of all keys that are let in.
    """

    def __init__(self, digests: Collection[str]) -> None:
        self._digests = tuple(set(digests))

    async def __call__(
        self,
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        header: Annotated[str | None, Security(_header)],
    ) -> None:
        """Lets a request pass.

        Raises:
            ApiError: 401 where it has no key, or an unknown one.
        """
        key = bearer.credentials if bearer else header
        if not key:
            message = "this server asks for a key; send it as Authorization: Bearer KEY or as X-API-Key: KEY"
            raise _unauthorized("key_required", message, 'Bearer realm="veraface"')
        given = digest(key)
        # All are compared, each in constant time: how long it takes says nothing about any of them.
        if not sum(hmac.compare_digest(given, known) for known in self._digests):
            message = "this server does not know that key; ask whoever runs it for one"
            raise _unauthorized("key_unknown", message, 'Bearer realm="veraface", error="invalid_token"')
        request.state.key = given


def _unauthorized(code: str, message: str, challenge: str) -> ApiError:
    return ApiError(401, code, message, headers={"WWW-Authenticate": challenge})
