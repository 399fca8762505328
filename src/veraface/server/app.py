"""The application and its server."""

import asyncio
import contextlib
import errno
import logging
import math
import secrets
import socket
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING

import uvicorn
from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from veraface import __version__
from veraface.audit import AuditLog
from veraface.datasets.feedback import FeedbackFolder
from veraface.server.auditing import Auditor
from veraface.server.errors import install_fault_handlers
from veraface.server.hosts import AllowedHosts, allowed_names
from veraface.server.logs import is_request_id, log_config
from veraface.server.middleware import AccessLog, HeadRequests, RootPath, SecurityHeaders
from veraface.server.openapi import document_links, error_responses
from veraface.server.pages import install_pages
from veraface.server.routes import AppState, decisions, feedback, images, info, videos
from veraface.server.security import AccessPolicy
from veraface.server.service import InferenceService
from veraface.server.settings import Settings, SettingsError, load_settings
from veraface.server.uploads import FetchLink, Uploads
from veraface.utils import available_cores
from veraface.workers.client import WorkerSettings
from veraface.workers.pool import WorkerPool
from veraface.workers.sandbox import WorkerLimits

if TYPE_CHECKING:
    from veraface.server.metrics import Metrics

_log = logging.getLogger("veraface.server")

_DESCRIPTION = (
    "Detects forged faces in images and video. A verdict is a statistical estimate about faces, not proof. "
    "Files stay in memory for one request and are never stored or logged."
)


def create_app(
    settings: Settings | None = None, backend: WorkerPool | None = None, fetch_link: FetchLink | None = None
) -> FastAPI:
    """Create the web application: the page, the API and its documentation.

    Args:
        settings: read from the environment if None.
        backend: runs the tasks; worker processes that start with the application if None.
        fetch_link: fetches linked images if the settings allow links; from the public internet if None.

    Raises:
        SettingsError: a setting is invalid, or a file that one names cannot be used.
    """
    settings = settings or load_settings()
    backend = backend or _worker_pool(settings)
    service = InferenceService(backend, settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # In the background, so that /healthz and /readyz respond meanwhile.
        loading = asyncio.create_task(service.start())
        yield
        loading.cancel()
        await service.close()

    app = FastAPI(title="Veraface", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan)
    if settings.root_path:
        app.servers = [{"url": settings.root_path}]
    app.description = _DESCRIPTION
    metrics = None
    if settings.metrics:
        from veraface.server.metrics import Metrics  # loaded only if enabled

        metrics = Metrics(backend)
    app.state.inference = service
    app.state.veraface = AppState(
        settings=settings,
        service=service,
        images=Uploads(settings, _link_fetcher(settings, fetch_link)),
        videos=Uploads(settings, kind="video"),
        reports=Uploads(settings, kind="report"),
        video_slots=asyncio.Semaphore(settings.concurrent_videos),
        observe=metrics.observe if metrics else lambda _: None,
        audit=Auditor(AuditLog(settings.audit_log, via="server") if settings.audit_log else None),
    )
    _add_middleware(app, settings, metrics)
    install_fault_handlers(app)
    access = AccessPolicy(settings)
    failures = error_responses(access.failures)
    optional = [decisions.router] if settings.audit_log else []
    if settings.feedback_folder:
        FeedbackFolder(settings.feedback_folder)  # an error now, not at the first report
        optional.append(feedback.router)
    for router in (images.router, videos.router, *optional):
        app.include_router(router, dependencies=access.key_and_rate, responses=failures)
    if settings.makes_reports:
        from veraface.server.routes import reports
        from veraface.server.signing import ReportSigner

        app.state.report_signer = ReportSigner(settings.report_key)
        app.include_router(reports.router, dependencies=access.key_and_rate, responses=failures)
    app.include_router(info.router)
    if metrics:
        app.add_api_route("/metrics", metrics.respond, include_in_schema=False, dependencies=access.key)
    if settings.fetch_links:
        document_links(app)
    install_pages(app, settings.root_path)
    return app


def _add_middleware(app: FastAPI, settings: Settings, metrics: "Metrics | None") -> None:
    """Add middleware; each one wraps those added before it."""
    app.add_middleware(HeadRequests)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["Authorization", "X-API-Key", "X-Request-ID"],
            expose_headers=["Retry-After", "X-Request-ID"],
        )
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))
    if settings.telemetry:
        from veraface.server.telemetry import Traces  # needs an extra

        app.add_middleware(Traces)
    if names := allowed_names(settings.host, settings.allowed_hosts):
        app.add_middleware(AllowedHosts, names=names)
    app.add_middleware(AccessLog, observers=[metrics.observe_request] if metrics else [])
    app.add_middleware(SecurityHeaders, frame_origins=settings.frame_origins)
    new_id = partial(secrets.token_hex, 8)
    app.add_middleware(
        CorrelationIdMiddleware, generator=new_id, validator=is_request_id, update_request_header=False
    )
    if settings.root_path:
        app.add_middleware(RootPath, root_path=settings.root_path)


def _worker_pool(settings: Settings) -> WorkerPool:
    cpu_s = math.ceil(max(settings.deadline_s, settings.video_deadline_s)) * available_cores()
    limits = WorkerLimits(settings.worker_memory_bytes, cpu_s)
    worker_settings = WorkerSettings(
        model=settings.model,
        max_bytes=settings.max_upload_bytes,
        max_pixels=settings.max_pixels,
        max_faces=settings.max_faces,
        limits=limits,
        trust_anchors=settings.trust_anchors,
        trust_lists=settings.trust_lists,
        trustmark=settings.trustmark,
    )
    queue = 2 * settings.workers if settings.queue is None else settings.queue
    return WorkerPool(worker_settings, workers=settings.workers, queue=queue)


def _link_fetcher(settings: Settings, given: FetchLink | None) -> FetchLink | None:
    if not settings.fetch_links:
        return None
    if given:
        return given
    from veraface.server.remote_images import RemoteImageFetcher  # needs an extra

    return RemoteImageFetcher(settings.max_upload_bytes, settings.link_timeout_s).fetch


def serve(settings: Settings | None = None) -> int:
    """Run the server until it is stopped; return the exit status, 1 if the model could not be loaded."""
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
        proxy_headers=False,  # Uvicorn would trust any client on this machine; see _add_middleware
        ws="none",
        http="h11",  # the implementation that is tested, also where httptools is installed
        timeout_graceful_shutdown=settings.graceful_shutdown_s,
    )
    if not (settings.api_keys or settings.api_keys_file):
        _log.info("no API keys are set: everyone who can reach this server may use it")
    server = uvicorn.Server(config)
    service: InferenceService = app.state.inference
    service.stop_on_failure(lambda: setattr(server, "should_exit", True))
    server.run()
    return 1 if service.failed else 0


def _check_address(settings: Settings) -> None:
    """Raise an error for an address in use before anything is started."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        bad_host = isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL
        name = "host" if bad_host else "port"
        raise SettingsError(
            f"cannot listen on port {settings.port} of {settings.host}: {error.strerror}; "
            f"choose another with --{name} or VERAFACE_{name.upper()}"
        ) from error
