"""The files in deploy/ parse, confine the containers, and use only settings and metrics that exist."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.sample_images import encode, portrait
from tests.server.conftest import free_port, is_ready, running_server
from tests.waiting import wait_until
from veraface.server.settings import DEPRECATED_VARIABLES, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DASHBOARD = DEPLOY / "grafana/dashboards/veraface.json"
COMPOSE = sorted(DEPLOY.glob("compose*.yaml"))
# The part of the Compose specification that these files use.
SERVICE_KEYS = {
    "build",
    "cap_drop",
    "command",
    "depends_on",
    "deploy",
    "environment",
    "healthcheck",
    "image",
    "logging",
    "mem_limit",
    "networks",
    "pids_limit",
    "ports",
    "read_only",
    "restart",
    "security_opt",
    "stop_grace_period",
    "tmpfs",
    "user",
    "volumes",
}


def require(tool: str) -> str:
    """Return the path of a program; without it skip the test, or fail it if VERAFACE_REQUIRE_TOOLS is set."""
    found = shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/bin")
    if not found:
        reason = f"{tool} is not installed"
        pytest.fail(reason) if os.environ.get("VERAFACE_REQUIRE_TOOLS") else pytest.skip(reason)
    return found


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
            assert port.startswith("127.0.0.1:"), f"{name}: {port} is bound to every interface"
        image = service["image"]
        assert image == "veraface" or re.search(r":v?\d+\.\d+", image), f"{image} has no version"


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_every_reference_resolves(path: Path) -> None:
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
def test_the_server_accepts_its_settings(path: Path) -> None:
    (found,) = _settings_of(path)
    assert not set(found) & set(DEPRECATED_VARIABLES)
    plain = {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) for name, value in found.items()}
    fields = {name.removeprefix("VERAFACE_").lower(): value for name, value in plain.items()}
    settings = Settings(**fields)
    assert settings.model_fields_set == set(fields)
    assert settings.workers == 2
    assert settings.log_format == "json"
    if path in COMPOSE:
        assert str(settings.rate_limit) == fields["rate_limit"] == "60/minute"
        assert str(settings.redis_url) == "redis://redis:6379/0"
        assert "redis" in services(path)
    if "metrics" in fields:
        assert settings.metrics is True


def test_the_servers_trust_only_the_proxy() -> None:
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
    # Otherwise Kubernetes sets VERAFACE_PORT=tcp://... for a service named veraface, an invalid setting.
    assert pod["enableServiceLinks"] is False
    labels = spec["template"]["metadata"]["labels"]
    assert labels == spec["selector"]["matchLabels"] == documents["Service"]["spec"]["selector"]
    assert documents["NetworkPolicy"]["spec"]["egress"] == []


def test_the_ray_service_references_existing_names() -> None:
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
        variables = {one["name"]: one["value"] for one in container["env"]}
        assert variables["RAY_USAGE_STATS_ENABLED"] == "0"
        assert variables["RAY_USAGE_STATS_REPORT_URL"] == "http://127.0.0.1:9/"
    assert f"rayproject/ray:{cluster['rayVersion']}-" in (DEPLOY / "ray.Dockerfile").read_text()


def test_ray_serve_reads_the_ray_service() -> None:
    if find_spec("ray") is None:
        pytest.skip('needs Ray: pip install "veraface[ray]"')
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # from Ray's own models
        from ray.serve.schema import ServeDeploySchema

    service = yaml.safe_load((DEPLOY / "rayservice.yaml").read_text())
    read = ServeDeploySchema.model_validate(yaml.safe_load(service["spec"]["serveConfigV2"]))
    (application,) = read.applications
    assert (application.import_path, application.route_prefix) == ("ray_serve:app", "/")
    (deployment,) = application.deployments
    assert deployment.name == "Veraface"
    scaling = deployment.autoscaling_config
    assert (scaling["min_replicas"], scaling["max_replicas"]) == (1, 8)
    assert read.http_options.port == 8000
    head = service["spec"]["rayClusterConfig"]["headGroupSpec"]["template"]["spec"]["containers"][0]
    assert 8000 in [port["containerPort"] for port in head["ports"]]


@pytest.fixture(scope="module")
def figures() -> str:
    """Return the metrics of a server after one valid and one invalid request."""
    with running_server(VERAFACE_METRICS="true") as server:
        httpx.post(
            f"{server.url}/api/predict", files={"image": ("a", encode(portrait(), "JPEG"))}, timeout=60
        )
        httpx.post(f"{server.url}/api/predict", files={"image": ("a", b"none")}, timeout=300)
        return httpx.get(f"{server.url}/metrics", timeout=300).text


def dashboard_expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def alert_expressions() -> list[str]:
    groups = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("expressions", [dashboard_expressions, alert_expressions])
def test_every_used_metric_is_exported(expressions: Callable[[], list[str]], figures: str) -> None:
    exported = set(re.findall(r"^([a-z_]+)(?:\{| )", figures, re.MULTILINE))
    wanted = {name for text in expressions() for name in re.findall(r"\b(?:veraface|process)_\w+", text)}
    assert wanted
    assert wanted <= exported, f"not exported: {sorted(wanted - exported)}"


@pytest.mark.parametrize("expressions", [dashboard_expressions, alert_expressions])
def test_every_used_label_is_exported(expressions: Callable[[], list[str]], figures: str) -> None:
    labels = set(re.findall(r'[{,](\w+)="', figures)) | {"job", "instance"}  # added by Prometheus
    for text in expressions():
        asked = re.findall(r'[{,]\s*(\w+)=~?"', text)
        asked += [label for group in re.findall(r"by \(([^)]*)\)", text) for label in group.split(", ")]
        assert set(asked) <= labels, text


def test_the_dashboard_uses_the_provisioned_source() -> None:
    (source,) = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text())[
        "datasources"
    ]
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}


def without_variables(expression: str) -> str:
    """Return a dashboard's expression with Grafana's variables replaced."""
    return expression.replace("$__rate_interval", "1m").replace("$__range", "3h")


@pytest.mark.parametrize("expressions", [dashboard_expressions, alert_expressions])
def test_every_expression_is_valid_promql(expressions: Callable[[], list[str]]) -> None:
    found = expressions()
    assert len(found) >= 6
    for expression in found:
        promql_parser.parse(without_variables(expression))


def test_an_invalid_expression_would_be_noticed() -> None:
    with pytest.raises(ValueError, match="parenthesis"):
        promql_parser.parse("sum(rate(veraface_requests_total[5m])")


def test_alerts_are_loaded_named_and_explained() -> None:
    settings = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    assert settings["rule_files"] == ["alerts.yml"]
    (job,) = settings["scrape_configs"]
    assert job["job_name"] == "veraface"
    (target,) = job["static_configs"][0]["targets"]
    name, port = target.split(":")
    assert name in services(DEPLOY / "compose.yaml")
    assert port == "7860"
    rules = [
        rule
        for group in yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
        for rule in group["rules"]
    ]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert "{{ $labels.instance }}" in rule["annotations"]["summary"]
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))


def test_exported_metrics_are_described_and_parse(figures: str) -> None:
    families = list(text_string_to_metric_families(figures))
    own = [family for family in families if family.name.startswith("veraface_")]
    assert len(own) >= 8
    for family in own:
        assert family.documentation, family.name
        assert family.type != "unknown", family.name


def test_promtool_accepts_configuration_rules_and_metrics(tmp_path: Path, figures: str) -> None:
    promtool = require("promtool")
    subprocess.run([promtool, "check", "config", DEPLOY / "prometheus/prometheus.yml"], check=True)
    expressions = enumerate(map(without_variables, dashboard_expressions()))
    rules = [{"record": f"drawn:{number}", "expr": expression} for number, expression in expressions]
    drawn = tmp_path / "drawn.yml"
    drawn.write_text(yaml.safe_dump({"groups": [{"name": "drawn", "rules": rules}]}))
    checked = subprocess.run([promtool, "check", "rules", drawn], check=True, capture_output=True, text=True)
    assert f"{len(rules)} rules found" in checked.stdout + checked.stderr
    subprocess.run([promtool, "check", "metrics"], input=figures.encode(), check=True)


def nginx_directives() -> dict[str, str]:
    """Return the last value of each simple directive."""
    text = re.sub(r"#.*", "", (DEPLOY / "nginx/nginx.conf").read_text())
    assert text.count("{") == text.count("}")
    return dict(re.findall(r"^\s*(\w+) ([^;{}]+);", text, re.MULTILINE))


def test_nginx_streams_uploads_and_bounds_slow_clients() -> None:
    directives = nginx_directives()
    assert directives["access_log"] == "off"
    assert directives["proxy_request_buffering"] == "off"
    assert directives["proxy_buffering"] == "off"
    assert directives["proxy_max_temp_file_size"] == "0"
    megabytes = int(directives["client_max_body_size"].removesuffix("m"))
    assert megabytes * 2**20 > Settings().max_upload_bytes
    assert int(directives["proxy_read_timeout"].removesuffix("s")) > Settings().deadline_s
    for timeout in ("client_header_timeout", "client_body_timeout", "send_timeout", "keepalive_timeout"):
        assert 0 < int(directives[timeout].removesuffix("s")) <= 60


@pytest.fixture
def nginx(tmp_path: Path) -> Path:
    """Write the nginx configuration with the container's paths replaced."""
    require("nginx")
    text = (DEPLOY / "nginx/nginx.conf").read_text()
    (tmp_path / "logs").mkdir()
    configuration = tmp_path / "nginx.conf"
    # Workers of root's nginx run as another user, which cannot enter this folder.
    head = "user root;\n" if os.geteuid() == 0 else ""
    configuration.write_text(head + text.replace("/tmp/", f"{tmp_path}/"))
    return configuration


@contextlib.contextmanager
def running_nginx(configuration: Path, port: str) -> Iterator[None]:
    process = subprocess.Popen(
        [require("nginx"), "-p", configuration.parent, "-c", configuration, "-g", "daemon off;"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: process.poll() is not None or is_ready(f"http://127.0.0.1:{port}"))
        assert process.poll() is None, "nginx did not start"
        yield
    finally:
        process.terminate()
        process.wait(timeout=300)


def test_the_proxy_serves_the_page_under_a_sub_path(nginx: Path) -> None:
    port = free_port()
    with running_server(VERAFACE_ROOT_PATH="/veraface") as server:
        text = nginx.read_text().replace("http://veraface:7860", server.url)
        nginx.write_text(text.replace("listen 8080", f"listen 127.0.0.1:{port}"))
        with (
            running_nginx(nginx, port),
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300) as client,
        ):
            assert 'href="/veraface/static/favicon.svg"' in client.get("/veraface/").text
            assert client.get("/veraface/static/js/main.js").status_code == 200
            image = encode(portrait(), "PNG")
            assert client.post("/veraface/api/predict", files={"image": ("a", image)}).status_code == 200


def test_the_proxy_forwards_images_and_the_client_address(nginx: Path) -> None:
    """Clients cannot forge their address, and no request body is written to disk."""
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
                    timeout=300,
                ).status_code
                for n in range(3)
            ]
            written = [path for name in ("client", "proxy") for path in (nginx.parent / name).rglob("*")]
    assert answers == [200, 200, 429]
    assert not [path for path in written if path.is_file()]
