"""What stands in deploy/: files that parse, say what they must, and ask only for figures that there are."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.sample_images import encode, portrait
from tests.server.conftest import free_port, running_server
from veraface.server.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DASHBOARD = DEPLOY / "grafana/dashboards/veraface.json"
COMPOSE = sorted(DEPLOY.glob("compose*.yaml"))
# Of the Compose specification: what these files use of it.
SERVICE_KEYS = {
    *(
        "image",
        "build",
        "command",
        "user",
        "environment",
        "ports",
        "volumes",
        "tmpfs",
        "networks",
        "depends_on",
    ),
    *(
        "healthcheck",
        "restart",
        "read_only",
        "cap_drop",
        "security_opt",
        "logging",
        "mem_limit",
        "pids_limit",
    ),
    *("stop_grace_period", "deploy"),
}


def services(path: Path) -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(path.read_text())["services"])


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_every_container_is_confined(path: Path) -> None:
    for name, service in services(path).items():
        assert set(service) <= SERVICE_KEYS, name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
        assert service["pids_limit"], name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name}: {port} is open to everybody"
        image = service["image"]
        assert image == "veraface" or re.search(r":v?\d+\.\d+", image), f"{image}: names no version"


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_all_that_is_named_is_there(path: Path) -> None:
    whole = yaml.safe_load(path.read_text())
    for name, service in whole["services"].items():
        assert set(service["networks"]) <= set(whole["networks"]), name
        assert set(service.get("depends_on", [])) <= set(whole["services"]), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in whole["volumes"], (
                volume
            )
    build = whole["services"]["veraface"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


def _settings_of(path: Path) -> Iterator[dict[str, str]]:
    for document in yaml.safe_load_all(path.read_text()):
        if "services" in document:
            yield document["services"]["veraface"]["environment"]
        elif document["kind"] == "Deployment":
            for container in document["spec"]["template"]["spec"]["containers"]:
                yield {one["name"]: one["value"] for one in container["env"]}


@pytest.mark.parametrize("path", [*COMPOSE, DEPLOY / "kubernetes.yaml"], ids=lambda path: path.name)
def test_the_server_takes_its_settings(path: Path) -> None:
    (found,) = _settings_of(path)
    plain = {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) for name, value in found.items()}
    Settings(**{name.removeprefix("VERAFACE_").lower(): value for name, value in plain.items()})


def test_the_proxy_is_the_one_that_servers_believe() -> None:
    replicas = services(DEPLOY / "compose.replicas.yaml")
    address = replicas["proxy"]["networks"]["inside"]["ipv4_address"]
    assert replicas["veraface"]["environment"]["VERAFACE_TRUSTED_PROXIES"] == address
    assert "X-Forwarded-For $remote_addr" in (DEPLOY / "nginx/nginx.conf").read_text()


def test_the_proxy_bounds_slow_clients() -> None:
    """Uvicorn has no timeout for request headers, so the proxy in front of it must have one."""
    text = (DEPLOY / "nginx/nginx.conf").read_text()
    found = re.findall(r"^\s*(\w+_timeout) (\d+)s;", text, re.MULTILINE)
    timeouts = {name: int(seconds) for name, seconds in found}
    assert timeouts["client_header_timeout"] <= 10
    assert timeouts["client_body_timeout"] <= 60
    assert timeouts["send_timeout"] <= 60
    assert timeouts["keepalive_timeout"] <= 75


def test_kubernetes_confines_and_probes() -> None:
    documents = {one["kind"]: one for one in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())}
    assert set(documents) == {"Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"}
    spec = documents["Deployment"]["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness")} == {"/readyz"}
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    # Else Kubernetes sets VERAFACE_PORT=tcp://... for a service of that name: no setting of ours.
    assert pod["enableServiceLinks"] is False
    labels = spec["template"]["metadata"]["labels"]
    assert labels == spec["selector"]["matchLabels"] == documents["Service"]["spec"]["selector"]
    assert documents["NetworkPolicy"]["spec"]["egress"] == []


def test_the_ray_service_names_what_there_is() -> None:
    service = yaml.safe_load((DEPLOY / "rayservice.yaml").read_text())
    assert (service["apiVersion"], service["kind"]) == ("ray.io/v1", "RayService")
    (application,) = yaml.safe_load(service["spec"]["serveConfigV2"])["applications"]
    module, name = application["import_path"].split(":")
    source = (DEPLOY / f"{module}.py").read_text()
    assert re.search(rf"^{name} = ", source, re.MULTILINE)
    assert f"class {application['deployments'][0]['name']}:" in source
    cluster = service["spec"]["rayClusterConfig"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        (container,) = group["template"]["spec"]["containers"]
        told = {one["name"]: one["value"] for one in container["env"]}
        assert told["RAY_USAGE_STATS_ENABLED"] == "0"
        assert told["RAY_USAGE_STATS_REPORT_URL"] == "http://127.0.0.1:9/"
    assert f"rayproject/ray:{cluster['rayVersion']}-" in (DEPLOY / "ray.Dockerfile").read_text()


def test_the_ray_service_is_what_ray_serve_reads() -> None:
    if find_spec("ray") is None:
        pytest.skip('needs Ray: pip install "veraface[ray]"')
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's own models
        from ray.serve.schema import ServeDeploySchema

    service = yaml.safe_load((DEPLOY / "rayservice.yaml").read_text())
    ServeDeploySchema.model_validate(yaml.safe_load(service["spec"]["serveConfigV2"]))


@pytest.fixture(scope="module")
def figures() -> str:
    """What a server that has judged an image tells Prometheus."""
    with running_server(VERAFACE_METRICS="true") as server:
        httpx.post(
            f"{server.url}/api/predict", files={"image": ("a", encode(portrait(), "JPEG"))}, timeout=60
        )
        httpx.post(f"{server.url}/api/predict", files={"image": ("a", b"none")}, timeout=60)
        return httpx.get(f"{server.url}/metrics").text


def dashboard_expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def alert_expressions() -> list[str]:
    groups = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("expressions", [dashboard_expressions, alert_expressions])
def test_every_figure_that_is_drawn_or_watched_exists(
    expressions: Callable[[], list[str]], figures: str
) -> None:
    exported = set(re.findall(r"^([a-z_]+)(?:\{| )", figures, re.MULTILINE))
    wanted = {name for text in expressions() for name in re.findall(r"\b(?:veraface|process)_\w+", text)}
    assert wanted
    assert wanted <= exported, f"not exported: {sorted(wanted - exported)}"


@pytest.mark.parametrize("expressions", [dashboard_expressions, alert_expressions])
def test_every_label_that_is_asked_for_exists(expressions: Callable[[], list[str]], figures: str) -> None:
    labels = set(re.findall(r'[{,](\w+)="', figures)) | {"job", "instance"}  # those Prometheus adds
    for text in expressions():
        asked = re.findall(r'[{,]\s*(\w+)=~?"', text)
        asked += [label for group in re.findall(r"by \(([^)]*)\)", text) for label in group.split(", ")]
        assert set(asked) <= labels, text


def test_the_dashboard_asks_the_source_that_is_provisioned() -> None:
    (source,) = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text())[
        "datasources"
    ]
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}


def test_promtool_finds_nothing_wrong(tmp_path: Path, figures: str) -> None:
    if not shutil.which("promtool"):
        pytest.skip("promtool is missing (Debian: prometheus)")
    subprocess.run(["promtool", "check", "config", DEPLOY / "prometheus/prometheus.yml"], check=True)
    rules = {"groups": [{"name": "drawn", "rules": []}]}
    for number, text in enumerate(dashboard_expressions()):
        plain = text.replace("$__rate_interval", "1m").replace("$__range", "3h")
        rules["groups"][0]["rules"].append({"record": f"drawn:{number}", "expr": plain})
    drawn = tmp_path / "drawn.yml"
    drawn.write_text(yaml.safe_dump(rules))
    subprocess.run(["promtool", "check", "rules", drawn], check=True)
    subprocess.run(["promtool", "check", "metrics"], input=figures.encode(), check=True)


@pytest.fixture
def nginx(tmp_path: Path) -> Path:
    """nginx's configuration, with what only containers have replaced."""
    if not shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin"):
        pytest.skip("nginx is missing")
    text = (DEPLOY / "nginx/nginx.conf").read_text()
    (tmp_path / "logs").mkdir()
    configuration = tmp_path / "nginx.conf"
    # As root its workers would become somebody who may not enter this folder.
    head = "user root;\n" if os.geteuid() == 0 else ""
    configuration.write_text(head + text.replace("/tmp/", f"{tmp_path}/"))
    return configuration


@contextlib.contextmanager
def running_nginx(configuration: Path, port: str) -> Iterator[None]:
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin") or "nginx"
    process = subprocess.Popen(
        [program, "-p", configuration.parent, "-c", configuration, "-g", "daemon off;"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            assert process.poll() is None, "nginx did not start"
            assert time.monotonic() < deadline, "nginx does not answer"
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                    break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_the_proxy_passes_pictures_on_and_says_who_asks(nginx: Path) -> None:
    """With a real server behind: the client cannot pass for another, and no body touches the disk."""
    port = free_port()
    with running_server(VERAFACE_TRUSTED_PROXIES="127.0.0.1", VERAFACE_RATE_LIMIT="2/minute") as server:
        text = nginx.read_text().replace("http://veraface:7860", server.url)
        nginx.write_text(text.replace("listen 8080", f"listen 127.0.0.1:{port}"))
        with running_nginx(nginx, port):
            image = encode(portrait(), "PNG")
            answers = [
                httpx.post(
                    f"http://127.0.0.1:{port}/api/predict",
                    files={"image": ("a", image)},
                    headers={"X-Forwarded-For": f"203.0.113.{n}"},
                    timeout=60,
                ).status_code
                for n in range(3)
            ]
            written = [path for name in ("client", "proxy") for path in (nginx.parent / name).rglob("*")]
    assert answers == [200, 200, 429]
    assert not [path for path in written if path.is_file()]
