# The image for KubeRay (rayservice.yaml): Ray's image with Veraface and the Ray Serve application.
#
#   make wheel && docker build -f deploy/ray.Dockerfile -t veraface-ray .
#
# The Ray version must be the same here, in rayservice.yaml and on every node of the cluster.

FROM rayproject/ray:2.60.0-py311
USER root
RUN python -c "import ctypes; ctypes.CDLL('libseccomp.so.2')"
USER ray
COPY dist/*.whl /tmp/wheel/
RUN pip install --no-cache-dir /tmp/wheel/*.whl
COPY deploy/ray_serve.py /home/ray/veraface/ray_serve.py
ENV PYTHONPATH=/home/ray/veraface \
    RAY_USAGE_STATS_ENABLED=0 \
    RAY_USAGE_STATS_REPORT_URL=http://127.0.0.1:9/
