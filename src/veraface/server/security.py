"""Access policy: API keys, rate limits and pages of other sites, as the settings configure them."""

import hashlib
import hmac
import secrets
from typing import Annotated

from fastapi import Depends, Request, Security, params
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from veraface.server.errors import ApiError
from veraface.server.routes import State
from veraface.server.settings import Settings

# They read the key from the request, and document it in OpenAPI.
_bearer = HTTPBearer(auto_error=False, description="the key, as `Authorization: Bearer KEY`")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="or as `X-API-Key: KEY`")


def make_key() -> str:
    """Return a new key: 256 random bits, too many to find it from a plain digest."""
    return "vf_" + secrets.token_urlsafe(32)  # the prefix is for scanners that look for leaked secrets


def digest(key: str) -> str:
    """Return the SHA-256 of a key in hexadecimal, which the server keeps instead of the key."""
    return hashlib.sha256(key.encode()).hexdigest()


async def _check_key(
    request: Request,
    state: State,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    header: Annotated[str | None, Security(_header)],
) -> None:
    """Refuse a request without a known key; set `request.state.key` to the digest of the key."""
    key = bearer.credentials if bearer else header
    if not key:
        message = "this server needs a key; send it as Authorization: Bearer KEY or as X-API-Key: KEY"
        challenge = {"WWW-Authenticate": 'Bearer realm="veraface"'}
        raise ApiError(401, "key_required", message, headers=challenge)
    given, known = digest(key), (*state.settings.api_keys, *state.settings.api_keys_file)
    # With all of them, each in constant time, so that the duration reveals nothing about a known key.
    if not sum(hmac.compare_digest(given, each) for each in known):
        message = "this server does not know that key; ask its operator for one"
        challenge = {"WWW-Authenticate": 'Bearer realm="veraface", error="invalid_token"'}
        raise ApiError(401, "key_unknown", message, headers=challenge)
    request.state.key = given


async def _refuse_other_sites(request: Request, state: State) -> None:
    """Refuse a cross-site request (CSRF), unless the settings name the origin of its page.

    Browsers send `Sec-Fetch-Site` (W3C Fetch Metadata) over HTTPS and to loopback addresses. A request
    without it is accepted, since other clients send none.
    """
    site = request.headers.get("Sec-Fetch-Site", "none")
    named = request.headers.get("Origin") in state.settings.cors_origins
    if site not in ("none", "same-origin", "same-site") and not named:
        message = "a page of another site sent this; VERAFACE_CORS_ORIGINS does not name its origin"
        raise ApiError(403, "cross_site_request", message)


REFUSE_OTHER_SITES: params.Depends = Depends(_refuse_other_sites)
"""for routes that keep something, or sign it"""
REFUSED = "the request came from a page of another site, which VERAFACE_CORS_ORIGINS does not name"


class AccessPolicy:
    """Dependencies that decide on access, empty where the settings have no keys or no limit."""

    def __init__(self, settings: Settings) -> None:
        has_keys = bool(settings.api_keys or settings.api_keys_file)
        # Check keys first: if there are keys, the limit is one per key.
        self.key: list[params.Depends] = [Depends(_check_key)] if has_keys else []
        self.key_and_rate = list(self.key)
        self.failures = {401: "no key, or an unknown one"} if has_keys else {}  # by status
        if settings.rate_limit:
            from veraface.server.rate_limit import RateLimit  # imported only if needed

            limit = RateLimit(settings.rate_limit, str(settings.redis_url or ""))
            self.key_and_rate.append(Depends(limit))
            self.failures[429] = "too many images of one client; Retry-After is the time to wait"
