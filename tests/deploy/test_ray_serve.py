"""Ray Serve with the deployment file on a local cluster: the same results as `veraface serve`."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from tests.sample_images import encode, noise, portrait
from tests.server.conftest import free_port, is_ready
from tests.waiting import wait_until
from veraface import Detector

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason='needs Ray: pip install "veraface[ray]"')

# Runs in a separate process, because Ray leaves threads and settings in the process that starts it.
SERVING = """
import sys
import ray_serve
import ray
from ray import serve
from ray.serve._private import api, client
api.HTTP_PROXY_TIMEOUT = client.HTTP_PROXY_TIMEOUT = 300  # a busy machine takes long to start the proxy
ray.init(num_cpus=2, object_store_memory=100_000_000, include_dashboard=False, logging_level="warning",
         _temp_dir=sys.argv[2])
serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
serve.run(ray_serve.app, route_prefix="/")
print("serving", flush=True)
sys.stdin.read()
serve.shutdown()
ray.shutdown()
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Make a folder with a short path, because Ray creates sockets in it."""
    with tempfile.TemporaryDirectory(prefix="vf", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def serving(folder: Path) -> Iterator[str]:
    """Start the application and yield its address."""
    port = free_port()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("VERAFACE", "RAY"))
    }
    path = [str(ROOT / "deploy"), environment.get("PYTHONPATH", "")]
    environment |= {
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "VERAFACE_RAY_CORES": "1",
        "VERAFACE_RAY_MAX_REPLICAS": "1",
        "VERAFACE_MAX_UPLOAD_BYTES": "2000000",
        # Ray replaces a proxy that has not started by then; its default of 5 s is too short on busy machines.
        "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "240",
        "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "240",
    }
    log = folder / "log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVING, port, str(folder / "ray")],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdin
    assert process.stdout
    try:
        assert "serving\n" in process.stdout, log.read_text()[-4000:]
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: is_ready(url), 120, pause_s=0.2)
        yield url
    finally:
        process.stdin.close()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()


def predict(url: str, content: bytes) -> httpx.Response:
    return httpx.post(f"{url}/api/predict", files={"image": ("a.jpg", content)}, timeout=60)


def test_predictions_equal_those_of_the_detector(serving: str) -> None:
    image = encode(portrait(), "JPEG", quality=92)
    response = predict(serving, image)
    assert response.status_code == 200
    found, expected = response.json(), Detector(threads=1).detect(image).to_dict()
    assert found["verdict"] == expected["verdict"]
    assert found["p_fake"] == pytest.approx(expected["p_fake"], abs=1e-5)
    assert found["faces"][0]["box"] == pytest.approx(expected["faces"][0]["box"], abs=0.1)
    assert found["model"] == expected["model"]


def test_errors_equal_those_of_the_server(serving: str) -> None:
    assert predict(serving, b"not an image").json()["error"]["code"] == "unsupported_image"
    assert predict(serving, encode(noise(), "PNG")).json()["error"]["code"] == "no_face"
    large = predict(serving, b"\xff\xd8\xff" + bytes(3_000_000))
    assert (large.status_code, large.json()["error"]["code"]) == (413, "image_too_large")


def test_the_page_has_its_content_security_policy(serving: str) -> None:
    page = httpx.get(serving + "/", timeout=60)
    assert "<html" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def environments(*words: str) -> list[dict[str, str]]:
    """Return the environments of all processes with these words in their command lines."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
            pairs = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # the process has ended, or belongs to another user
            continue
        if all(word in command for word in words):
            found.append(dict(pair.split("=", 1) for pair in pairs if "=" in pair) | {"": folder.name})
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_telemetry_of_ray_is_disabled(serving: str, folder: Path) -> None:
    """Ray would still report that telemetry is disabled, so the address of the report is replaced too."""
    started = [environments(str(folder), part) for part in ("/gcs_server", "/dashboard.py", "/raylet")]
    assert all(started)
    for one in (one for group in started for one in group):
        assert one["RAY_USAGE_STATS_ENABLED"] == "0"
        assert one["RAY_USAGE_STATS_REPORT_URL"] == "http://127.0.0.1:9/"
    assert not list(folder.rglob("usage_stats.json"))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_replica_uses_confined_workers(serving: str) -> None:
    predict(serving, encode(portrait(), "JPEG"))
    found = environments("-m", "veraface.workers.fork_server")
    fork_servers = [one[""] for one in found if descends_from_ray(one[""])]
    assert fork_servers, "the replica has no worker processes"
    for pid in fork_servers:
        (worker,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        assert "Seccomp:\t2" in Path(f"/proc/{worker}/status").read_text()


def descends_from_ray(pid: str) -> bool:
    parent = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]
    return "ServeReplica" in Path(f"/proc/{parent}/cmdline").read_text()
