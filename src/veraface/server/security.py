"""Who may ask, from which pages, and how often: puts together what the settings ask for."""

from fastapi import Depends, FastAPI, params
from starlette.middleware.cors import CORSMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from veraface.server.api_keys import KeyCheck
from veraface.server.settings import Settings


class Gates:
    """What stands before the routes."""

    def __init__(self, settings: Settings) -> None:
        digests = (*settings.api_keys, *settings.api_keys_file)
        # Keys first: the limit is one a key where there are keys.
        self.key: list[params.Depends] = [Depends(KeyCheck(digests))] if digests else []
        self.rate: list[params.Depends] = []
        if settings.rate_limit:
            from veraface.server.rate_limit import RateLimit  # loaded only where there is a limit

            self.rate = [Depends(RateLimit(settings.rate_limit, settings.redis_url))]

    def failures(self) -> dict[str, str]:
        """What they answer where they do not open, by status."""
        answers = {"on_401": "no key, or an unknown one"} if self.key else {}
        if self.rate:
            answers["on_429"] = "too many images of one client; Retry-After says when to come back"
        return answers


def install_origins(app: FastAPI, settings: Settings) -> None:
    """Lets pages of other sites ask, and proxies tell where a client is, as far as the settings say so."""
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "X-API-Key", "X-Request-ID"],
            expose_headers=["Retry-After", "X-Request-ID"],
        )
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))
