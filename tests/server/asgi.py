"""The application in the process of the test, called through ASGI: no sockets and no worker processes."""

import contextlib
from collections.abc import Iterator
from typing import Any

from fastapi.testclient import TestClient

from tests.server.backends import InProcess, shared_detector
from veraface.server import create_app, load_settings
from veraface.server.uploads import FetchLink

CLIENT_ADDRESS = "127.0.0.1"


@contextlib.contextmanager
def application(fetch_link: FetchLink | None = None, **settings: Any) -> Iterator[TestClient]:
    """A client of an application with these settings, which detects in this process."""
    app = create_app(load_settings(**settings), InProcess(shared_detector()), fetch_link)
    own, peer = "http://localhost", (CLIENT_ADDRESS, 50_000)
    with TestClient(app, own, raise_server_exceptions=False, client=peer) as client:
        assert client.get("/readyz").status_code == 200
        yield client
