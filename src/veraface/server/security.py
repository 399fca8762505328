"""Access policy: API keys and rate limits, as the settings configure them."""

import hmac
from collections.abc import Collection
from typing import Annotated

from fastapi import Depends, Request, Security, params
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from veraface.server.api_keys import digest
from veraface.server.errors import ApiError
from veraface.server.settings import Settings

# They read the key from the request, and document it in OpenAPI.
_bearer = HTTPBearer(auto_error=False, description="the key, as `Authorization: Bearer KEY`")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="or as `X-API-Key: KEY`")


class KeyCheck:
    """Dependency of routes that need a key; it sets `request.state.key` to the digest of the key."""

    def __init__(self, digests: Collection[str]) -> None:
        self._digests = tuple(set(digests))

    async def __call__(
        self,
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        header: Annotated[str | None, Security(_header)],
    ) -> None:
        """Raise an ApiError of status 401 if a request has no key, or an unknown one."""
        key = bearer.credentials if bearer else header
        if not key:
            message = "this server needs a key; send it as Authorization: Bearer KEY or as X-API-Key: KEY"
            challenge = {"WWW-Authenticate": 'Bearer realm="veraface"'}
            raise ApiError(401, "key_required", message, headers=challenge)
        given = digest(key)
        # Compare with all of them, each in constant time: the duration reveals nothing about any.
        if not sum(hmac.compare_digest(given, known) for known in self._digests):
            message = "this server does not know that key; ask its operator for one"
            challenge = {"WWW-Authenticate": 'Bearer realm="veraface", error="invalid_token"'}
            raise ApiError(401, "key_unknown", message, headers=challenge)
        request.state.key = given


class AccessPolicy:
    """Dependencies that decide on access, empty where the settings have no keys or no limit."""

    def __init__(self, settings: Settings) -> None:
        digests = (*settings.api_keys, *settings.api_keys_file)
        # Check keys first: if there are keys, the limit is one per key.
        self.key: list[params.Depends] = [Depends(KeyCheck(digests))] if digests else []
        self.key_and_rate = list(self.key)
        self.failures = {401: "no key, or an unknown one"} if digests else {}  # by status
        if settings.rate_limit:
            from veraface.server.rate_limit import RateLimit  # imported only if needed

            self.key_and_rate.append(Depends(RateLimit(settings.rate_limit, settings.redis_url)))
            self.failures[429] = "too many images of one client; Retry-After is the time to wait"
