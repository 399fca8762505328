"""`veraface scan`: its output, and that an interruption at any moment loses no result."""

import io
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet
import pytest
from playwright.sync_api import Browser

from tests.cli.terminal import COMMAND, ENVIRONMENT, veraface
from tests.examples import PROFILE
from tests.sample_images import encode, noise, portrait
from tests.sample_models import brightness_model
from tests.scan.sample_folders import blocked_reader, empty, face, folder, resized
from veraface.detector import Detector

# Most scans need no particular verdict: the fast model takes a fifth of the processor time.
SCAN = ("scan", "--model", "fast")


def table(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def image_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["row"] == "picture"]


def without_times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "milliseconds"} for row in rows]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with faces, an image without a face, a damaged one, a text file, a copy and an archive."""
    path = folder(tmp_path_factory.mktemp("scan") / "images", 3)
    (path / "copy.jpg").write_bytes(resized(face(0), 200, 60))
    (path / "empty.png").write_bytes(empty())
    (path / "broken.jpg").write_bytes(face(1)[:2000])
    (path / "text.jpg").write_text("no image")
    with zipfile.ZipFile(path / "more.zip", "w") as archive:
        archive.writestr("inside.jpg", face(3))
    return path


def test_table_has_a_row_per_image_and_a_row_per_face(mixed: Path, tmp_path: Path) -> None:
    """With the default model."""
    done = veraface("scan", mixed, mixed / "more.zip", "-o", tmp_path / "t.parquet")
    assert (done.returncode, done.stderr) == (0, "")
    rows = pyarrow.parquet.read_table(tmp_path / "t.parquet").to_pylist()
    by_name = {Path(row["path"]).name: row for row in image_rows(rows)}
    assert [*by_name] == [
        *("broken.jpg", "copy.jpg", "empty.png", "face-000.jpg", "face-001.jpg", "face-002.jpg", "text.jpg"),
        "inside.jpg",
    ]
    assert by_name["broken.jpg"]["error"] == "unreadable_image"
    assert by_name["text.jpg"]["error"] == "unsupported_image"
    assert (by_name["empty.png"]["verdict"], by_name["empty.png"]["p_fake"]) == ("no_face", None)
    assert by_name["face-000.jpg"]["duplicate_of"] == str(mixed / "copy.jpg")
    assert sum(row["row"] == "face" for row in rows) == 5
    result = Detector().detect(face(3))
    inside, inside_face = rows[-2:]
    assert (inside["p_fake"], inside["verdict"]) == (round(result.p_fake or 0, 6), result.verdict.value)
    x, y, width, height = result.faces[0].box.to_list()
    assert [inside_face[name] for name in ("box_x", "box_y", "box_width", "box_height")] == [
        x,
        y,
        width,
        height,
    ]
    assert inside["size"] == len(face(3))
    assert "8 images" in done.stdout
    assert "not analyzed: unreadable image" in done.stdout
    assert "       1  left out: not named like images (1 .zip; --all checks their content)" in done.stdout
    assert not (tmp_path / "t.parquet.unfinished").exists()


def test_rows_do_not_depend_on_the_number_of_workers(mixed: Path, tmp_path: Path) -> None:
    assert veraface(*SCAN, mixed, "-o", tmp_path / "one.jsonl", "--workers", 1).returncode == 0
    assert veraface(*SCAN, mixed, "-o", tmp_path / "three.jsonl", "--workers", 3).returncode == 0
    one, three = table(tmp_path / "one.jsonl"), table(tmp_path / "three.jsonl")
    assert without_times(one) == without_times(three)


def endless_scan(out: Path, *sources: object) -> subprocess.Popen[str]:
    """Start a scan that cannot finish before its standard input, a further list of images, is closed.

    Images are listed in groups of 32; those of an incomplete group are analyzed once the list ends.
    """
    return subprocess.Popen(
        [*COMMAND, *SCAN, *map(str, sources), "-", "-o", str(out)],
        env=ENVIRONMENT,
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "the scan does not get that far"
        time.sleep(0.02)


def started(source: Path, out: Path, count: int) -> subprocess.Popen[str]:
    """Start a scan that cannot finish and wait until it has saved `count` results."""
    process = endless_scan(out, source)
    wait_until(lambda: len(saved(out)) >= count, process)
    return process


@pytest.mark.generative
@pytest.mark.parametrize("seed", range(5 if PROFILE == "deep" else 2))
def test_resume_after_a_kill_repeats_and_loses_nothing(tmp_path: Path, seed: int) -> None:
    """The process group is killed by SIGKILL three times, at random numbers of saved results.

    A further image, from a server that does not respond, keeps the scan from finishing before.
    """
    count = 30
    source, out = folder(tmp_path / "p", count), tmp_path / "t.jsonl"
    dice = random.Random(seed)
    saved_before: dict[str, str] = {}
    for kill_at in sorted(dice.sample(range(1, count), 3)):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            process = endless_scan(out, source, *(["--resume"] if saved_before else []))
            assert process.stdin is not None
            process.stdin.write(f"http://127.0.0.1:{silent.getsockname()[1]}/a.jpg\n")
            process.stdin.close()
            wait_until(lambda number=kill_at: len(saved(out)) >= number, process)  # type: ignore[misc]
            time.sleep(dice.random() / 50)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        now = saved(out)
        assert saved_before.items() <= now.items(), "saved results stay and are not computed again"
        saved_before = now
    assert len(saved_before) > 0
    done = veraface(*SCAN, source, "-o", out, "--resume")
    assert done.returncode == 0, done.stderr
    rows = image_rows(table(out))
    assert [Path(row["path"]).name for row in rows] == [f"face-{number:03}.jpg" for number in range(count)]
    assert all("p_fake" in row for row in rows)
    milliseconds = {row["path"]: row["milliseconds"] for row in rows}
    for path, record in saved_before.items():
        assert milliseconds[path] == json.loads(record)["milliseconds"]
    assert f"{len(saved_before)} analyzed before" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p", "t.jsonl"]


def test_failed_resume_keeps_the_results(tmp_path: Path) -> None:
    out = tmp_path / "t.jsonl"
    process = started(folder(tmp_path / "p", 40), out, 3)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = saved(out)
    assert len(before) >= 3
    brightness_model(tmp_path, name="other")
    for arguments, message in (
        (("nowhere", "--resume"), "no such file or folder"),
        (("p", "--resume", "--include", "*.gif"), "no image matched --include"),
        (("p",), "continue it with --resume"),
        (("p", "--resume", "--report", "t.jsonl"), "is the name of the table"),
        (("p", "--resume", "--model", "nowhere.onnx"), "nowhere"),
        (("p", "--resume", "--model", "other.onnx"), "was started with model"),
    ):
        done = veraface(*SCAN, *arguments, "-o", "t.jsonl", cwd=tmp_path)
        assert done.returncode == 1, arguments
        assert message in done.stderr
        assert "Traceback" not in done.stderr
        assert saved(out) == before, arguments


def test_ctrl_c_while_workers_start_keeps_the_results(tmp_path: Path) -> None:
    source, out = folder(tmp_path / "p", 40), tmp_path / "t.jsonl"
    process = started(source, out, 3)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = saved(out)
    again = endless_scan(out, source, "--resume")
    # The first child is the workers' fork server or the listing process.
    wait_until(lambda: bool(psutil.Process(again.pid).children()), again)
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=300)
    assert before.items() <= saved(out).items()


def test_second_scan_into_the_same_table_is_refused(tmp_path: Path) -> None:
    source, out = folder(tmp_path / "p", 40), tmp_path / "t.jsonl"
    process = started(source, out, 2)
    os.kill(process.pid, signal.SIGSTOP)
    others = [veraface(*SCAN, source, "-o", out, option) for option in ("--resume", "--overwrite")]
    os.kill(process.pid, signal.SIGCONT)
    for other in others:
        assert other.returncode == 1
        assert "another scan into the same table is running" in other.stderr
    assert process.communicate(timeout=300)[1] == ""
    assert len(image_rows(table(out))) == 40


def test_images_of_an_earlier_run_come_last(tmp_path: Path) -> None:
    source, out = folder(tmp_path / "p", 40), tmp_path / "t.jsonl"
    process = started(source, out, 2)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    earlier = sorted(saved(out))
    others = tmp_path / "q"
    others.mkdir()
    for number in range(3):
        (others / f"{number}.png").write_bytes(encode(noise(90, 90, seed=number), "PNG"))
    assert veraface(*SCAN, others, "-o", out, "--resume").returncode == 0
    rows = image_rows(table(out))
    assert [row["path"] for row in rows] == [*(str(others / f"{n}.png") for n in range(3)), *earlier]
    assert not any("duplicate_of" in row for row in rows[:3])
    assert all(row["duplicate_of"] == earlier[0] for row in rows[4:])


def test_resume_lists_damaged_sources_again(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as packed:
        for number in range(30):
            member = tarfile.TarInfo(f"{number:02}.jpg")
            member.size = len(face(number))
            packed.addfile(member, io.BytesIO(face(number)))
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    more = folder(tmp_path / "p", 40)
    out = tmp_path / "t.jsonl"
    process = endless_scan(out, archive, more)
    wait_until(lambda: any("the rest of it" in path for path in saved(out)), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    archive.write_bytes(whole)
    done = veraface(*SCAN, archive, more, "-o", out, "--resume")
    assert done.returncode == 0, done.stderr
    rows = image_rows(table(out))
    assert len(rows) == 70
    assert not any("error" in row for row in rows)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_invalid_utf8_in_names_and_errors(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "list.txt").write_bytes(b"none\xff.jpg\nfoo\xff://x.jpg\n\xff\xfe\n")
    (tmp_path / os.fsdecode(b"bad\xff.zip")).write_bytes(b"no archive")
    sources = ("list.txt", os.fsdecode(b"bad\xff.zip"))
    done = veraface(*SCAN, *sources, "-o", f"t.{suffix}", "--report", "r.html", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "4 images" in done.stdout


def test_modules_in_the_scanned_folder_are_not_imported(tmp_path: Path) -> None:
    folder(tmp_path, 1)
    for name in ("fnmatch", "glob", "json", "numpy", "PIL", "sitecustomize", "zipfile"):
        (tmp_path / f"{name}.py").write_text("open('ran', 'w')")
    command = [COMMAND[0], "-P", *COMMAND[1:]]  # like the installed command
    done = subprocess.run(
        [*command, *SCAN, ".", "-o", "t.jsonl"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "ran").exists()


def test_no_file_is_overwritten_unintentionally(tmp_path: Path) -> None:
    folder(tmp_path / "p", 1)
    image = (tmp_path / "p/face-000.jpg").read_bytes()
    (tmp_path / "old.html").write_text("old")
    for arguments, message in (
        (("p/face-000.jpg", "--report", "p/face-000.jpg"), "would overwrite a source"),
        (("p", "--report", "t.csv"), "is the name of the table"),
        (("p", "--report", "t.csv.unfinished"), "is the name of the table"),
        (("p", "--report", "old.html"), "old.html: exists already"),
        (("p", "--report", "a" * 300), "File name too long"),
    ):
        done = veraface(*SCAN, *arguments, "-o", "t.csv", cwd=tmp_path)
        assert done.returncode == 1, arguments
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    assert veraface(*SCAN, "p", "-o", "b" * 300 + ".csv", cwd=tmp_path).stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["face-000.jpg", "old.html", "p"]
    assert (tmp_path / "p/face-000.jpg").read_bytes() == image
    assert (tmp_path / "old.html").read_text() == "old"


def test_names_that_are_formulas_or_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "=cmd|calc!A1.jpg").write_bytes(face())
    name = os.fsdecode(b"t\xff.csv")
    done = veraface(*SCAN, "*.jpg", "-o", name, "--report", "r.html", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "./=cmd|calc!A1.jpg" in (tmp_path / name).read_text()
    assert ",=" not in (tmp_path / name).read_text()
    assert r"t\xff.csv" in (tmp_path / "r.html").read_text()


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    done = veraface(*SCAN, f"file://{tmp_path}/pipe.jpg", "-o", "t.jsonl", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (row,) = table(tmp_path / "t.jsonl")
    assert row["error_message"] == "not a regular file"


def test_one_ctrl_c_ends_a_scan_that_waits_for_a_source(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "list.txt")
    process = subprocess.Popen(
        [*COMMAND, *SCAN, "list.txt", "-o", "t.csv"],
        env=ENVIRONMENT,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    with blocked_reader(tmp_path / "list.txt"):
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=300)
    assert stderr == "veraface: stopped; results are kept, continue with --resume\n"


def saved(out: Path) -> dict[str, str]:
    """Return the results that a scan has saved so far, from a copy, because a running scan locks its file."""
    unfinished = out.with_name(out.name + ".unfinished")
    copy = out.with_name("copy")
    try:
        for suffix in ("", "-wal"):
            source = unfinished.with_name(unfinished.name + suffix)
            if source.exists():
                copy.with_name(copy.name + suffix).write_bytes(source.read_bytes())
        with sqlite3.connect(copy) as database:
            found = database.execute("SELECT path, record FROM images WHERE record IS NOT NULL").fetchall()
        return dict(found)
    except (OSError, sqlite3.Error):  # not created yet, or copied during a write
        return {}
    finally:
        for leftover in out.parent.glob("copy*"):
            leftover.unlink()


def test_existing_table_needs_overwrite(tmp_path: Path) -> None:
    source, out = folder(tmp_path / "p", 1), tmp_path / "t.csv"
    assert veraface(*SCAN, source, "-o", out).returncode == 0
    before = out.read_bytes()
    again = veraface(*SCAN, source, "-o", out)
    assert again.returncode == 1
    assert "exists already; give another name, or --overwrite" in again.stderr
    assert out.read_bytes() == before
    resumed = veraface(*SCAN, source, "-o", out, "--resume")
    assert (resumed.returncode, resumed.stderr) == (
        0,
        f"{out}: this scan is already complete; choose another name for new images, or --overwrite\n",
    )
    late = veraface(*SCAN, source, "-o", out, "--resume", "--report", tmp_path / "late.html")
    assert late.returncode == 1
    assert "late.html: not written, because the scan into" in late.stderr
    assert not (tmp_path / "late.html").exists()
    assert out.read_bytes() == before
    assert veraface(*SCAN, source, "-o", out, "--overwrite").returncode == 0
    assert veraface(*SCAN, source, "-o", out, "--overwrite", "--resume").returncode == 2


def test_unfinished_scan_needs_resume_or_overwrite(tmp_path: Path) -> None:
    source = folder(tmp_path / "p", 1)
    (tmp_path / "t.csv.unfinished").write_bytes(b"")
    done = veraface(*SCAN, source, "-o", tmp_path / "t.csv")
    assert done.returncode == 1
    assert "continue it with --resume" in done.stderr
    (tmp_path / "t.csv.unfinished").write_bytes(b"something else altogether" * 100)
    done = veraface(*SCAN, source, "-o", tmp_path / "t.csv", "--resume")
    assert done.returncode == 1
    assert "t.csv.unfinished: cannot be used" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: no such file or folder"),
        (["p", "-o", "t.xlsx"], "t.xlsx: the name of a table must end in"),
        (["p", "--include", "*.gif"], "no image matched --include"),
        (["p", "--since", "yesterday"], "is neither a date such as"),
        (["p", "--engine", "abacus"], "unknown engine 'abacus'; choose local or ray"),
        (["p", "--model", "nowhere.onnx"], "nowhere"),
        (["p", "-o", "p"], "the name of a table must end in"),
        (["p", "-o", "p/a.jpg/t.csv"], "cannot be created as a folder"),
    ],
)
def test_errors_leave_no_files(tmp_path: Path, arguments: list[str], message: str) -> None:
    folder(tmp_path / "p", 1).joinpath("face-000.jpg").rename(tmp_path / "p" / "a.jpg")
    done = veraface(*SCAN, *arguments, cwd=tmp_path)
    assert done.returncode != 0
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.jpg", "p"]


def test_list_on_standard_input_and_filters(tmp_path: Path) -> None:
    folder(tmp_path / "p", 3)
    names = b"p/face-002.jpg\np/face-000.jpg\np/face-002.jpg\n"
    command = [*COMMAND, *SCAN, "-", "-o", "t.jsonl"]
    subprocess.run(command, cwd=tmp_path, input=names, env=ENVIRONMENT, check=True)
    assert [row["path"] for row in image_rows(table(tmp_path / "t.jsonl"))] == [
        "p/face-002.jpg",
        "p/face-000.jpg",
    ]
    veraface(*SCAN, "p", "-o", "u.jsonl", "--limit", 1, "--since", "1h", cwd=tmp_path)
    assert len(image_rows(table(tmp_path / "u.jsonl"))) == 1
    os.utime(tmp_path / "p" / "face-001.jpg", (0, 0))
    veraface(*SCAN, "p", "-o", "v.jsonl", "--since", "1980-01-01", cwd=tmp_path)
    assert len(image_rows(table(tmp_path / "v.jsonl"))) == 2


def test_ctrl_c_keeps_the_results(tmp_path: Path) -> None:
    source, out = folder(tmp_path / "p", 40), tmp_path / "t.jsonl"
    process = started(source, out, 2)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=300)
    assert stderr == "veraface: stopped; results are kept, continue with --resume\n"
    before = saved(out)
    assert len(before) >= 2
    assert veraface(*SCAN, source, "-o", out, "--resume").returncode == 0
    assert len(image_rows(table(out))) == 40


@pytest.mark.browser
def test_report_is_self_contained_and_shows_the_most_suspicious(browser: Browser, tmp_path: Path) -> None:
    source = folder(tmp_path / "p", 2)
    hostile = source / '"><img src=x onerror=alert(1)>.png'
    portrait(300).save(hostile)
    report = tmp_path / "r.html"
    assert veraface(*SCAN, source, "-o", tmp_path / "t.jsonl", "--report", report).returncode == 0
    page = browser.new_page()
    try:
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto(report.as_uri())
        assert [url for url in requests if not url.startswith("data:")] == [report.as_uri()]
        assert page.locator("h1").inner_text().startswith("3 images")
        gallery = page.locator(".gallery figure")
        assert gallery.count() == 3
        assert gallery.locator("rect.under").count() == 3
        assert page.locator("bdi", has_text=hostile.name).count() == 1
        shares = [
            float(text.split("fake ")[-1].split("%")[0])
            for text in gallery.locator("figcaption").all_inner_texts()
        ]
        assert shares == sorted(shares, reverse=True)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    finally:
        page.close()
