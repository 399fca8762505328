"""The API and the web page on Ray Serve: each replica runs the whole application with its own workers.

    pip install ".[ray]"
    cd deploy && serve run ray_serve:app

Results, limits and sandboxed workers are the same as with `veraface serve`. Ray balances requests over
replicas and machines and scales them with the load. Settings are VERAFACE_... variables (docs/api.md), and

| variable | default | meaning |
|---|---|---|
| `VERAFACE_RAY_CORES` | 2 | cores per replica, and workers if `VERAFACE_WORKERS` is not set |
| `VERAFACE_RAY_MAX_REPLICAS` | 4 | maximal number of replicas; at least one always runs |

They are read when this file is loaded and passed to every replica.
"""

import os

# Ray sends usage statistics unless this is set before it starts. A cluster of `ray start` then still reports
# that they are disabled (usage_stats_head.py in Ray 2.60), hence an address without a listener.
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_USAGE_STATS_REPORT_URL": "http://127.0.0.1:9/"}
os.environ.update(QUIET)

from typing import Any  # noqa: E402

from fastapi import FastAPI  # noqa: E402
from ray import serve  # noqa: E402

from veraface.errors import VerafaceError  # noqa: E402
from veraface.server import create_app, load_settings  # noqa: E402
from veraface.server.settings import ENVIRONMENT_PREFIX  # noqa: E402


def _number(name: str, default: int) -> int:
    value = os.environ.get(name, str(default))
    if not value.isdecimal() or not 1 <= int(value) <= 1024:
        raise VerafaceError(f"{name}={value!r}: must be a whole number from 1 to 1024")
    return int(value)


CORES = _number("VERAFACE_RAY_CORES", 2)
# VERAFACE_RAY_MOST_REPLICAS is the deprecated name.
MAX_REPLICAS = _number("VERAFACE_RAY_MAX_REPLICAS", _number("VERAFACE_RAY_MOST_REPLICAS", 4))
_SETTINGS = {
    name: value
    for name, value in os.environ.items()
    if name.startswith(ENVIRONMENT_PREFIX) and not name.startswith("VERAFACE_RAY_")
}
_SETTINGS.setdefault("VERAFACE_WORKERS", str(CORES))


def application() -> FastAPI:
    """Return the application of one replica; its worker processes start and end with the replica."""
    # Ray's proxy listens, on the address of Ray's settings: VERAFACE_ALLOWED_HOSTS alone decides on names.
    return create_app(load_settings(host="0.0.0.0"))


@serve.deployment(
    autoscaling_config={
        "min_replicas": 1,
        "max_replicas": MAX_REPLICAS,
        # One image per worker keeps a replica busy; as many again may wait before Ray adds a replica.
        "target_ongoing_requests": 2 * CORES,
    },
    # Beyond its bounded queue the application itself answers 503 with Retry-After. Requests for the page or
    # the model must not wait behind images.
    max_ongoing_requests=64,
    ray_actor_options={
        "num_cpus": CORES,
        "runtime_env": {"env_vars": {**_SETTINGS, **QUIET}},
    },
    graceful_shutdown_timeout_s=30,  # VERAFACE_GRACEFUL_SHUTDOWN_S's default
)
@serve.ingress(application)
class Veraface:
    """One replica."""

    def check_health(self) -> None:
        """Let Ray replace a replica whose model could not be loaded.

        Raises:
            RuntimeError: the model could not be loaded.
        """
        application: Any = self.app  # type: ignore[attr-defined]  # set by serve.ingress
        if application.state.inference.failed:
            raise RuntimeError("the model could not be loaded; see the replica's log")


app = Veraface.bind()
