"""Creates the web application and runs it."""

import asyncio
import contextlib
import logging
import math
import socket
from collections.abc import AsyncIterator

import uvicorn
from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI

from veraface import __version__
from veraface.server.errors import install_fault_handlers
from veraface.server.inference import Inference, Judge
from veraface.server.logs import is_request_id, log_config, new_request_id
from veraface.server.middleware import AccessLog, SecurityHeaders
from veraface.server.pages import install_pages
from veraface.server.routes import api_routes
from veraface.server.security import AccessPolicy, install_origins
from veraface.server.settings import Settings, SettingsError, load_settings
from veraface.server.uploads import FetchLink
from veraface.server.video_routes import video_routes
from veraface.utils import available_cores
from veraface.workers.launcher import WorkerSettings
from veraface.workers.pool import WorkerPool
from veraface.workers.sandbox import WorkerLimits

_log = logging.getLogger("veraface.server")

_ABOUT = (
    "Detects forged faces in images. A verdict is a statistical estimate about faces, not proof. "
    "Images stay in memory for one request and are never stored or logged."
)


def create_app(
    settings: Settings | None = None, judge: Judge | None = None, fetch_link: FetchLink | None = None
) -> FastAPI:
    """Create the web application: the page, the API and its documentation.

    Args:
        settings: By default read from the environment.
        judge: Runs the detection; by default worker processes, started with the application.
        fetch_link: Fetches the image at a URL, if the settings allow links; by default from the public
            internet.

    Raises:
        SettingsError: A setting is invalid.
    """
    settings = settings or load_settings()
    judge = judge or _workers(settings)
    inference = Inference(judge, settings.deadline_s)
    gates = AccessPolicy(settings)
    metrics = None
    if settings.metrics:
        from veraface.server.metrics import Metrics  # imported only if needed

        metrics = Metrics()
        metrics.watch(judge)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # In the background, so that /healthz and /readyz respond meanwhile.
        loading = asyncio.create_task(inference.start())
        yield
        loading.cancel()
        await inference.close()

    app = FastAPI(
        title="Veraface",
        version=__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.inference = inference
    install_origins(app, settings)
    if settings.telemetry:
        from veraface.server.telemetry import Traces  # needs the extra `telemetry`

        app.add_middleware(Traces)
    # Each one wraps those added before it.
    app.add_middleware(AccessLog, observers=[metrics.observe_request] if metrics else [])
    app.add_middleware(SecurityHeaders, frame_origins=settings.frame_origins)
    app.add_middleware(
        CorrelationIdMiddleware,
        generator=new_request_id,
        validator=is_request_id,
        update_request_header=False,
    )
    install_fault_handlers(app)
    links = _link_fetcher(settings, fetch_link)
    observe_image = metrics.observe_image if metrics else None
    observe_video = metrics.observe_video if metrics else None
    app.include_router(api_routes(inference, settings, links, gates, observe_image))
    app.include_router(video_routes(inference, settings, gates, observe_video))
    if metrics:
        app.include_router(metrics.routes(gates.key, inference.about))
    install_pages(app)
    return app


def _workers(settings: Settings) -> WorkerPool:
    queue = 2 * settings.workers if settings.queue is None else settings.queue
    return WorkerPool(
        WorkerSettings(
            settings.model,
            max_bytes=settings.max_upload_bytes,
            max_pixels=settings.max_pixels,
            # The deadline ends work that waits instead of using the processor.
            limits=WorkerLimits(
                settings.worker_memory_bytes,
                cpu_s=math.ceil(settings.deadline_s) * available_cores(),
                video_cpu_s=math.ceil(settings.video_deadline_s) * available_cores(),
            ),
            trust_anchors=settings.trust_anchors,
        ),
        workers=settings.workers,
        queue=queue,
    )


def _link_fetcher(settings: Settings, given: FetchLink | None) -> FetchLink | None:
    if not settings.fetch_links:
        return None
    if given:
        return given
    from veraface.server.remote_images import RemoteImageFetcher  # needs the extra `links`

    return RemoteImageFetcher(settings.max_upload_bytes, settings.link_timeout_s).fetch


def serve(settings: Settings | None = None) -> int:
    """Run the server until it is stopped.

    Returns:
        The exit status for the process: 1 if the model could not be loaded.

    Raises:
        SettingsError: The server cannot listen on the address.
    """
    settings = settings or load_settings()
    _check_address(settings)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=log_config(settings.log_level, settings.log_format),
        access_log=False,  # AccessLog writes one without query strings
        server_header=False,
        proxy_headers=False,  # Uvicorn would trust every client on this machine; see security.py
        ws="none",
        http="h11",  # the implementation that is tested, also where httptools is installed
        timeout_graceful_shutdown=settings.graceful_shutdown_s,
    )
    if not (settings.api_keys or settings.api_keys_file):
        _log.info("no API keys are set: everybody who reaches this server may use it")
    server = uvicorn.Server(config)
    inference: Inference = app.state.inference

    def stop() -> None:
        server.should_exit = True

    inference.stop_on_failure(stop)
    server.run()
    return 1 if inference.failed else 0


def _check_address(settings: Settings) -> None:
    """Raise an error before anything is started."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on port {settings.port} of {settings.host}: {error.strerror}; "
            "set another with --port and --host, or VERAFACE_PORT and VERAFACE_HOST"
        ) from error
