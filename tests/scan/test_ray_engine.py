"""The Ray engine, on a cluster of two nodes on this machine."""

import json
import os
import tarfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.ray_cluster import RAY_ENVIRONMENT, RayCluster
from tests.scan.sample_folders import empty, face, folder
from veraface.errors import DataError, ModelError
from veraface.scan.engine import Engine, LocalEngine
from veraface.scan.ray_engine import RayEngine
from veraface.scan.session import Output, Summary, scan

FAST = "fast"  # the model: rows of any will do
pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason='needs Ray: pip install "veraface[ray]"')


@pytest.fixture(scope="module")
def cluster(ray_cluster: RayCluster) -> Iterator[None]:
    """Let the engine use the cluster, as RAY_ADDRESS does for users."""
    import ray  # here, because each worker of pytest imports this file, which would take seconds

    before = dict(os.environ)
    os.environ |= {**RAY_ENVIRONMENT, "RAY_ADDRESS": ray_cluster.address}
    try:
        yield
    finally:
        ray.shutdown()
        os.environ.clear()
        os.environ |= before


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = folder(tmp_path_factory.mktemp("ray") / "p", 20)
    (path / "broken.jpg").write_bytes(face(1)[:2000])
    (path / "empty.png").write_bytes(empty())
    with tarfile.open(path / "more.tar", "w") as archive:
        archive.add(path / "face-000.jpg", "inside.jpg")
    return path


def run(engine: Engine, out: Path, *sources: Path, **options: Any) -> tuple[Summary, list[dict[str, Any]]]:
    summary = scan([str(source) for source in sources], Output(out), engine, **options)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    return summary, [{name: value for name, value in row.items() if name != "milliseconds"} for row in rows]


def test_same_rows_as_the_local_engine(cluster: None, images: Path, tmp_path: Path) -> None:
    sources = (images, images / "more.tar")
    here, rows_here = run(LocalEngine(2, FAST), tmp_path / "here.jsonl", *sources)
    there, rows_there = run(RayEngine(model=FAST), tmp_path / "there.jsonl", *sources)
    assert rows_here == rows_there
    assert (here.verdicts, here.errors, here.histogram) == (there.verdicts, there.errors, there.histogram)
    assert there.errors == {"unreadable_image": 1}
    assert sum(row["row"] == "picture" for row in rows_there) == 23


def test_ray_engine_resumes_a_scan_of_the_local_engine(cluster: None, images: Path, tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    class Halfway:
        """Raises after some images."""

        left = 5

        def __call__(self, done: int, analyzed: int) -> None:
            self.left -= 1
            if not self.left:
                raise StoppedError

    out = tmp_path / "t.jsonl"
    with pytest.raises(StoppedError):
        scan([str(images)], Output(out), LocalEngine(1, FAST), progress=Halfway())
    summary = scan([str(images)], Output(out, resume=True), RayEngine(1, FAST))
    assert summary.skipped >= 5
    assert summary.analyzed + summary.skipped == 22
    _, expected = run(LocalEngine(1, FAST), tmp_path / "u.jsonl", images)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [{**row, "milliseconds": 0} for row in rows] == [{**row, "milliseconds": 0} for row in expected]


def test_missing_model_and_source_are_errors(cluster: None, images: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere"):
        scan([str(images)], Output(tmp_path / "t.jsonl"), RayEngine(model=Path("nowhere.onnx")))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DataError, match="no such file or folder"):
        scan([str(tmp_path / "none")], Output(tmp_path / "t.jsonl"), RayEngine(model=FAST))


def test_usage_statistics_are_off(cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from ray._common.usage.usage_lib import usage_stats_enabled

    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    assert list(RayEngine(model=FAST).process(iter(()), lambda: 1.0)) == []
    assert not usage_stats_enabled()
