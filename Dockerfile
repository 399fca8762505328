# The web page and the API in a container that writes nothing, fetches nothing and runs without root.
#
#   docker build -t veraface .
#   docker run --rm -p 7860:7860 --read-only --cap-drop ALL --security-opt no-new-privileges veraface
#
# Settings are VERAFACE_... variables (docs/api.md). .github/workflows/container.yml builds and tests the image.

FROM python:3.11-slim-bookworm AS wheel
WORKDIR /source
COPY requirements/build.txt requirements/build.txt
RUN python -m venv /build && /build/bin/python -m pip install --no-cache-dir --no-compile --no-deps --only-binary :all: \
    --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /build/bin/python -m hatchling build -t wheel -d /wheel

FROM python:3.11-slim-bookworm AS packages
WORKDIR /source
COPY requirements/server.txt requirements/server.txt
# pip is not part of the final image: nothing can be installed at run time.
RUN python -m venv /pip && python -m venv --without-pip /opt/veraface && \
    /pip/bin/python -m pip --python /opt/veraface/bin/python install --no-cache-dir --no-deps --only-binary :all: \
    --require-hashes -r requirements/server.txt
COPY --from=wheel /wheel /wheel
RUN /pip/bin/python -m pip --python /opt/veraface/bin/python install --no-cache-dir --no-deps --no-index /wheel/*.whl

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Veraface" \
    org.opencontainers.image.description="Detects forged faces in images and video" \
    org.opencontainers.image.licenses="Apache-2.0 AND MIT AND ISC AND LicenseRef-Veraface-Weights"
# The seccomp filter of the workers needs libseccomp, a dependency of apt: fail the build if it is missing.
RUN python -c "import ctypes; ctypes.CDLL('libseccomp.so.2')"
# Hugging Face runs a Space as user 1000.
RUN useradd --uid 1000 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin veraface
COPY --from=packages /opt/veraface /opt/veraface
ENV PATH=/opt/veraface/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    VERAFACE_HOST=0.0.0.0 \
    VERAFACE_PORT=7860
USER 1000
WORKDIR /
EXPOSE 7860
STOPSIGNAL SIGTERM
# /readyz succeeds once the model is loaded. http.client ignores proxies, and the image has no curl.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; asked = http.client.HTTPConnection('127.0.0.1', int(os.environ['VERAFACE_PORT']), timeout=4); asked.request('GET', '/readyz'); sys.exit(asked.getresponse().status != 200)"]
CMD ["veraface", "serve"]
