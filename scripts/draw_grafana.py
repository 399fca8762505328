"""Writes deploy/grafana/dashboards/veraface.json: the panels stand here, once, and Grafana's long form there.

    python3 scripts/draw_grafana.py

A test compares the two, and asks a running server whether it has every figure that is drawn.
"""

import json
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "deploy/grafana/dashboards/veraface.json"
_SOURCE = {"type": "prometheus", "uid": "prometheus"}
_RATE = "$__rate_interval"


def _quantile(share: float, metric: str, by: str, where: str = "") -> str:
    return f"histogram_quantile({share}, sum by (le{by}) (rate({metric}_bucket{where}[{_RATE}])))"


_TOTAL = '{stage="total"}'
# Title, kind, unit, and what is drawn: (PromQL, legend).
_PANELS: list[tuple[str, str, str, list[tuple[str, str]]]] = [
    ("Servers up", "stat", "none", [('sum(up{job="veraface"})', "up")]),
    ("Workers ready or at work", "stat", "none", [("sum(veraface_living_workers)", "workers")]),
    (
        "Pictures judged in this span",
        "stat",
        "short",
        [("sum(increase(veraface_verdicts_total[$__range]))", "")],
    ),
    ("Model", "stat", "none", [("veraface_model_info", "{{name}} {{version}}")]),
    (
        "Pictures a second, by verdict",
        "timeseries",
        "ops",
        [(f"sum by (verdict) (rate(veraface_verdicts_total[{_RATE}]))", "{{verdict}}")],
    ),
    (
        "Time of a picture, waiting included",
        "timeseries",
        "s",
        [
            (_quantile(0.5, "veraface_stage_seconds", "", _TOTAL), "half within"),
            (_quantile(0.95, "veraface_stage_seconds", "", _TOTAL), "95 % within"),
            (_quantile(0.99, "veraface_stage_seconds", "", _TOTAL), "99 % within"),
        ],
    ),
    (
        "Requests a second, by status",
        "timeseries",
        "reqps",
        [(f"sum by (status) (rate(veraface_requests_total[{_RATE}]))", "{{status}}")],
    ),
    (
        "Turned away or failed, by code",
        "timeseries",
        "reqps",
        [(f"sum by (code) (rate(veraface_failures_total[{_RATE}]))", "{{code}}")],
    ),
    (
        "Queue and workers",
        "timeseries",
        "none",
        [
            ("sum(veraface_queued_pictures)", "waiting"),
            ("sum(veraface_busy_workers)", "at work"),
            ("sum(veraface_living_workers)", "workers"),
        ],
    ),
    (
        "Mean time by stage",
        "timeseries",
        "s",
        [
            (
                f"sum by (stage) (rate(veraface_stage_seconds_sum[{_RATE}]))"
                f" / sum by (stage) (rate(veraface_stage_seconds_count[{_RATE}]))",
                "{{stage}}",
            )
        ],
    ),
    (
        "Time of a request, sending included, 95 % within",
        "timeseries",
        "s",
        [(_quantile(0.95, "veraface_request_seconds", ", route"), "{{route}}")],
    ),
    (
        "Memory of the server itself, without its workers",
        "timeseries",
        "bytes",
        [('process_resident_memory_bytes{job="veraface"}', "{{instance}}")],
    ),
]


def dashboard() -> dict[str, Any]:
    """What Grafana reads."""
    return {
        "uid": "veraface",
        "title": "Veraface",
        "tags": ["veraface"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "15s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": []},
        "annotations": {"list": []},
        "panels": [_panel(number, *panel) for number, panel in enumerate(_PANELS)],
    }


def _panel(number: int, title: str, kind: str, unit: str, drawn: list[tuple[str, str]]) -> dict[str, Any]:
    if kind == "stat":  # four in the first row
        place = {"x": 6 * number, "y": 0, "w": 6, "h": 4}
        options: dict[str, Any] = {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "textMode": "name" if title == "Model" else "value",
            "colorMode": "none",
        }
    else:  # two a row below
        at = number - 4
        place = {"x": 12 * (at % 2), "y": 4 + 8 * (at // 2), "w": 12, "h": 8}
        options = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
    return {
        "id": number + 1,
        "type": kind,
        "title": title,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": options,
        "targets": [
            {"refId": chr(ord("A") + n), "datasource": _SOURCE, "expr": expression, "legendFormat": legend}
            for n, (expression, legend) in enumerate(drawn)
        ],
    }


def text() -> str:
    """The file's content."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
