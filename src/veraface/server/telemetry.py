"""Traces of requests for OpenTelemetry; needs the extra `telemetry`.

A span has the method, the route, the status and the id of a request. opentelemetry-instrumentation-fastapi
also sends the client's address and user agent, the path, and messages of errors. Its hooks cannot remove
them: the API of a span has no way to delete an attribute or an event.
"""

import os

import anyio
import anyio.to_thread
from asgi_correlation_id import correlation_id
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
from veraface.server.middleware import StatusRecorder, method_of, route_of

FLUSH_TIMEOUT_S = 5  # for the spans that are left at shutdown


class Traces:
    """ASGI middleware that sends a span per request to a collector, configured by the OTEL_... variables."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        attributes = {SERVICE_VERSION: __version__}
        if "OTEL_SERVICE_NAME" not in os.environ:
            attributes[SERVICE_NAME] = "veraface"
        self._provider = TracerProvider(resource=Resource.create(attributes), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("veraface", __version__)
        self._propagator = TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Trace one request, or stop tracing when the application stops."""
        if scope["type"] == "http":
            await self._trace(scope, receive, send)
            return

        async def send_after_traces(message: Message) -> None:
            if message["type"] == "lifespan.shutdown.complete":  # the process may exit after it
                with anyio.move_on_after(FLUSH_TIMEOUT_S):
                    await anyio.to_thread.run_sync(self._provider.shutdown, abandon_on_cancel=True)
            await send(message)

        await self._app(scope, receive, send_after_traces)

    async def _trace(self, scope: Scope, receive: Receive, send: Send) -> None:
        response, method = StatusRecorder(send), method_of(scope)
        # Without the messages of errors: a decoder may quote the image's metadata in them.
        with self._tracer.start_as_current_span(
            method,
            context=self._propagator.extract(Headers(scope=scope)),
            kind=SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                await self._app(scope, receive, response)
            except Exception as error:
                response.status = response.status or 500
                span.set_attribute("error.type", type(error).__name__)
                raise
            finally:
                route = route_of(scope)
                span.update_name(f"{method} {route}")
                span.set_attributes({"http.request.method": method, "http.route": route})
                span.set_attribute("http.response.status_code", response.status)
                span.set_attribute("veraface.request_id", correlation_id.get() or "")
                if FAULT in scope:
                    span.set_attribute("error.type", scope[FAULT])
                if response.status >= 500:
                    span.set_status(StatusCode.ERROR)
