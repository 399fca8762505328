"""Traces of requests for OpenTelemetry; needs the extra `telemetry`.

The ready-made instrumentation for ASGI also sends addresses of clients, whole paths and query strings.
This sends the method, the route, the status, and which request it was.
"""

import os

import anyio
import anyio.to_thread
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veraface import __version__
from veraface.server.errors import FAULT
from veraface.server.logs import request_id
from veraface.server.request_record import method_of, route_of

_PATIENCE_S = 5  # to send what is left at the end


class Traces:
    """ASGI middleware: a span a request, sent where OTEL_EXPORTER_OTLP_ENDPOINT and its like say.

    It comes inside of `Guard`, which names the request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        about = {SERVICE_VERSION: __version__}
        if "OTEL_SERVICE_NAME" not in os.environ:
            about[SERVICE_NAME] = "veraface"
        self._provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("veraface", __version__)
        self._propagator = TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Traces one request, or ends the tracing with the application."""
        if scope["type"] == "http":
            await self._trace(scope, receive, send)
            return

        async def send_after_traces(message: Message) -> None:
            if message["type"] == "lifespan.shutdown.complete":  # after which the process may end
                with anyio.move_on_after(_PATIENCE_S):
                    await anyio.to_thread.run_sync(self._provider.shutdown, abandon_on_cancel=True)
            await send(message)

        await self._app(scope, receive, send_after_traces)

    async def _trace(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 0

        async def send_traced(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        # Errors' own texts are left out: a decoder may quote the image's metadata in them.
        with self._tracer.start_as_current_span(
            method_of(scope),
            context=self._propagator.extract(Headers(scope=scope)),
            kind=SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                await self._app(scope, receive, send_traced)
            except Exception as error:
                status = status or 500
                span.set_attribute("error.type", type(error).__name__)
                raise
            finally:
                span.update_name(f"{method_of(scope)} {route_of(scope)}")
                span.set_attribute("http.request.method", method_of(scope))
                span.set_attribute("http.route", route_of(scope))
                span.set_attribute("http.response.status_code", status)
                span.set_attribute("veraface.request_id", request_id.get())
                if FAULT in scope:
                    span.set_attribute("error.type", scope[FAULT])
                if status >= 500:
                    span.set_status(StatusCode.ERROR)
