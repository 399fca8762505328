"""Ray Serve with the deployment file on a cluster: the same results as `veraface serve`."""

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from tests.fixtures.ray_cluster import RayCluster
from tests.sample_images import encode, noise, portrait
from tests.server.conftest import free_port, is_ready
from tests.waiting import wait_until
from veraface import Detector

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason='needs Ray: pip install "veraface[ray]"')


@pytest.fixture(scope="module")
def serving(ray_cluster: RayCluster) -> Iterator[str]:
    """Start the application on the cluster and yield its address."""
    port = free_port()
    ray_cluster.run(f"start {port}")
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: is_ready(url), pause_s=0.2)
    yield url
    ray_cluster.run("stop")


def predict(url: str, content: bytes) -> httpx.Response:
    return httpx.post(f"{url}/api/predict", files={"image": ("a.jpg", content)}, timeout=300)


def test_predictions_equal_those_of_the_detector(serving: str) -> None:
    image = encode(portrait(), "JPEG", quality=92)
    response = predict(serving, image)
    assert response.status_code == 200
    found, expected = response.json(), Detector("fast", threads=1).detect(image).to_dict()
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
    page = httpx.get(serving + "/", timeout=300)
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
def test_the_telemetry_of_ray_is_disabled(serving: str, ray_cluster: RayCluster) -> None:
    """Ray would still report that telemetry is disabled, so the address of the report is replaced too."""
    folder = ray_cluster.folder
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
