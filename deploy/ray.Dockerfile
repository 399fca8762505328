# What KubeRay starts (rayservice.yaml): Ray's own image with Veraface and the deployment file in it.
#
#   make wheel && docker build -f deploy/ray.Dockerfile -t veraface-ray .
#
# Ray's version here, in rayservice.yaml, and on whoever joins the cluster must be the same.

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
