"""The audit log: what an entry holds, the chain, concurrent writers, torn lines, and tampering."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import veraface
from tests.sample_images import encode, portrait
from veraface.audit import AuditError, AuditLog, FileId, verify
from veraface.results import DetectionResult

IMAGE = FileId.of(b"an image")


@pytest.fixture(scope="module")
def content() -> bytes:
    return encode(portrait(), "PNG")


@pytest.fixture(scope="module")
def result(content: bytes) -> DetectionResult:
    return veraface.detect(content)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def entries(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def fill(path: Path, count: int = 5) -> list[str]:
    log = AuditLog(path)
    return [log.add_outcome(IMAGE, {"error": f"number_{number}"}) for number in range(count)]


def test_a_user_without_a_name_is_a_number(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("veraface.utils.getuser", nameless)
    fill(path, 1)
    assert entries(path)[0]["actor"] == f"user:{os.getuid()}"


def test_every_analysis_is_found_up_to_the_limit(path: Path) -> None:
    """In a log of several blocks, with lines of different lengths, some across two blocks."""
    log = AuditLog(path)
    added = [log.add_outcome(IMAGE, {"error": "x" * (29_000 + 997 * n % 3_000)}) for n in range(90)]
    decided = log.add_decision(added[3], "fake")
    assert path.stat().st_size > 2 * 2**20
    assert [found and found["hash"] for found in map(log.find, added)] == added
    assert log.find(decided) is None  # it is no analysis
    assert log.find("0" * 64) is None
    lines = path.read_bytes().splitlines(keepends=True)
    within = sum(map(len, lines[40:]))
    for limit, first in ((within, 40), (within - 1, 41), (within + 1, 40), (10**9, 0), (0, 90)):
        found = [entry for entry in added if log.find(entry, limit)]
        assert found == added[first:], limit


def test_an_entry_holds_the_answer_and_no_pixels(path: Path, content: bytes, result: DetectionResult) -> None:
    added = AuditLog(path, actor="desk").add_analysis(FileId.of(content), result)
    (entry,) = entries(path)
    assert entry["hash"] == added
    assert entry["actor"] == "desk"
    assert entry["file"] == {"sha256": FileId.of(content).sha256, "size": len(content)}
    assert entry["model"] == result.model
    assert entry["thresholds"] == result.thresholds
    found = entry["result"]
    assert isinstance(found, dict)
    assert found["verdict"] == result.verdict
    assert found["p_fake"] == pytest.approx(result.p_fake, abs=1e-6)
    assert len(found["faces"]) == len(result.faces)
    assert {"heatmap", "box", "landmarks"}.isdisjoint(found["faces"][0])
    assert str(entry["time"]).endswith("Z")


def test_of_very_many_faces_the_most_likely_fakes_are_kept(path: Path, result: DetectionResult) -> None:
    faces = tuple(replace(result.faces[0], p_fake=number / 3000) for number in range(2999))
    hidden = replace(result.faces[0], p_fake=None, p_fake_range=None)
    AuditLog(path).add_analysis(FileId.of(b""), replace(result, faces=(hidden, *faces)))
    (entry,) = entries(path)
    kept: Any = entry["result"]
    assert (kept["faces_found"], len(kept["faces"])) == (3000, 256)
    assert kept["faces"][0]["p_fake"] == pytest.approx(2998 / 3000, abs=1e-4)
    assert verify(path).problems == []


def test_a_new_log_is_readable_by_its_owner_only(path: Path) -> None:
    fill(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_untouched_log_is_verified(path: Path) -> None:
    hashes = fill(path)
    found = verify(path)
    assert (found.entries, found.head, found.problems, found.notes) == (5, hashes[-1], [], [])


def test_an_empty_log_is_verified(path: Path) -> None:
    AuditLog(path)
    assert verify(path).entries == 0
    assert not verify(path).problems


def change(lines: list[str]) -> list[str]:
    return [*lines[:2], lines[2].replace("number_2", "number_9"), *lines[3:]]


def recompute(lines: list[str]) -> list[str]:
    """Change an entry and give it a matching hash, as somebody who knows the format would."""
    from veraface.audit.entries import seal

    entry = {**json.loads(lines[2]), "result": {"error": "number_9"}}
    own = {name: value for name, value in entry.items() if name not in ("hash", "previous", "format")}
    return [*lines[:2], seal(own, entry["previous"])[1].decode().strip(), *lines[3:]]


@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        (change, "line 3: was changed"),
        (recompute, "line 4: does not follow the entry before it"),
        (lambda lines: [*lines[:2], *lines[3:]], "line 3: does not follow"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "line 1: does not follow"),
        (lambda lines: [*lines[:3], lines[0], *lines[3:]], "line 4: does not follow"),
        (lambda lines: [*lines[:2], "{}", *lines[2:]], "line 3: is not an entry"),
        (lambda lines: [*lines[:2], "x" * 100_000, *lines[2:]], "is not JSON"),
        (lambda lines: [*lines[:2], "[" * 60_000, *lines[2:]], "is not JSON"),
        (lambda lines: [lines[0].replace('{"actor"', '{"actor":"a","actor"'), *lines[1:]], "line 1: is not"),
        (lambda lines: [lines[0].replace(":", ": ", 1), *lines[1:]], "line 1: is not an entry"),
        (lambda lines: lines[1:], "line 1: does not follow"),
    ],
)
def test_tampering_is_found(path: Path, tamper: Callable[[list[str]], list[str]], problem: str) -> None:
    fill(path)
    path.write_text("\n".join(tamper(path.read_text().splitlines())) + "\n")
    assert problem in "\n".join(verify(path).problems)


def test_a_log_cut_off_at_its_end_is_found_with_a_known_hash(path: Path) -> None:
    hashes = fill(path)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    assert not verify(path).problems
    assert not verify(path, known=hashes[1]).problems
    (problem,) = verify(path, known=hashes[4]).problems
    assert "was cut off before that entry, or written anew" in problem


def test_a_torn_last_line_is_explained_and_noted_by_the_next_writer(path: Path) -> None:
    fill(path, 2)
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(whole.splitlines()[0][:40])
    found = verify(path)
    assert found.torn
    assert found.entries == 2
    assert "line 3: is incomplete: its writer was stopped" in found.problems[0]
    fill(path, 1)
    found = verify(path)
    assert not found.problems
    assert "line 3: is incomplete, as line 4 noted" in found.notes[0]
    assert [entry["event"] for entry in map(json.loads, path.read_bytes().splitlines()[3:])] == [
        "recovered",
        "analysis",
    ]


def test_a_whole_entry_without_its_line_break_stays_in_the_chain(path: Path) -> None:
    hashes = fill(path, 3)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert verify(path).torn
    hashes += fill(path, 1)
    assert path.read_bytes().startswith(whole)
    found = verify(path, known=hashes[2])
    assert (found.entries, found.head, found.problems, found.notes) == (4, hashes[-1], [], [])


def test_a_whole_entry_of_another_place_without_a_line_break_is_noted(path: Path) -> None:
    """It is in no chain, so that it must not become a part of this one."""
    fill(path, 3)
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join((lines[0], lines[1], lines[0])))
    fill(path, 1)
    assert [entry["event"] for entry in entries(path)] == ["analysis"] * 3 + ["recovered", "analysis"]
    assert "line 3: does not follow" in verify(path).problems[0]


def sealed(fields: dict[str, Any], previous: Any = "0" * 64) -> bytes:
    """The line of an entry with a matching hash, as somebody who knows the format would write it."""
    from veraface.audit.entries import seal

    return seal(fields, previous)[1]


NOW: dict[str, Any] = {"time": "2026-11-30T08:00:00.000Z", "file": {"sha256": IMAGE.sha256, "size": 8}}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "event must be a string"),
        ({**NOW, "event": ["analysis"]}, "event must be a string"),
        ({**NOW, "event": "analysis", "time": 5}, "time must be a string"),
        ({"event": "analysis", "time": "now"}, "file.sha256 must be a string"),
        ({**NOW, "event": "analysis", "file": IMAGE.sha256}, "file.sha256 must be a string"),
        ({**NOW, "event": "decision", "file": {"sha256": None}}, "file.sha256 must be a string"),
    ],
)
def test_entries_that_lack_something_are_problems(path: Path, fields: dict[str, Any], problem: str) -> None:
    line = sealed(fields)
    path.write_bytes(line)
    found = verify(path)
    assert (found.entries, found.problems) == (0, [f"line 1: is not a complete entry: {problem}"])
    with pytest.raises(AuditError, match=problem):
        AuditLog(path)
    path.unlink()
    log = AuditLog(path)
    path.write_bytes(line.removesuffix(b"\n") + b"\n")
    assert log.find(json.loads(line)["hash"]) is None
    path.write_bytes(line + b"\n")
    assert log.latest(IMAGE.sha256) is None


def test_an_entry_without_a_previous_one_is_a_problem(path: Path) -> None:
    path.write_bytes(sealed({**NOW, "event": "analysis"}, None))
    assert verify(path).problems == ["line 1: is not a complete entry: previous must be a string"]


def test_a_known_hash_may_be_spelled_otherwise(path: Path) -> None:
    first, *_ = fill(path, 2)
    for spelled in (first, first.upper(), f" {first}\n"):
        assert verify(path, known=spelled).problems == []
    for wrong in ("", first[:-1], f"{first}0", "sha256:x", "g" * 64):
        with pytest.raises(AuditError, match="give 64 hexadecimal digits"):
            verify(path, known=wrong)


def test_a_line_that_was_cut_after_the_note_is_found(path: Path) -> None:
    """The note covers the bytes of the incomplete line, so that nothing can be hidden behind one."""
    fill(path, 2)
    with path.open("ab") as file:
        file.write(b'{"actor":"somebody"')
    fill(path, 1)
    path.write_bytes(path.read_bytes().replace(b"somebody", b"nobody"))
    assert "line 3: is not JSON" in verify(path).problems[0]


def test_nothing_is_appended_to_a_damaged_log(path: Path) -> None:
    fill(path, 2)
    damaged = path.read_bytes().replace(b"number_1", b"number_7")
    path.write_bytes(damaged)
    with pytest.raises(AuditError, match="nothing is appended to a damaged log"):
        AuditLog(path)
    path.write_text("this is a diary\n")
    with pytest.raises(AuditError, match="is not JSON"):
        AuditLog(path)
    assert path.read_text() == "this is a diary\n"


WRITER = """
import sys
from veraface.audit import AuditLog, FileId
log = AuditLog(sys.argv[1], actor=sys.argv[2])
for number in range(25):
    log.add_outcome(FileId.of(b""), {"error": str(number)})
"""


def test_concurrent_processes_write_one_chain(path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), f"writer {number}"]) for number in range(4)
    ]
    assert [writer.wait(300) for writer in writers] == [0] * 4
    found = verify(path)
    assert (found.entries, found.problems) == (100, [])
    assert len({str(entry["actor"]) for entry in entries(path)}) == 4


def test_a_full_disk_leaves_no_part_of_an_entry(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = fill(path, 2)
    log, write = AuditLog(path), os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, lines: write(file, lines[:30]))
        with pytest.raises(AuditError, match="only a part of an entry"):
            log.add_outcome(IMAGE, {"error": "x"})
    found = verify(path)
    assert (found.entries, found.head, found.problems) == (2, hashes[-1], [])


@pytest.mark.parametrize("name", ["", "missing/audit.jsonl", "a\0b"])
def test_a_log_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(AuditError, match="cannot be used"):
        AuditLog(tmp_path / name)


def test_a_pipe_is_no_log(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AuditError, match="is not a regular file"):
        AuditLog(tmp_path / "pipe")


def test_a_decision_refers_to_an_analysis_in_the_log(path: Path) -> None:
    log = AuditLog(path)
    first, second = (log.add_outcome(IMAGE, {"error": "x"}) for _ in range(2))
    latest = log.latest(IMAGE.sha256)
    assert latest is not None
    assert latest["hash"] == second
    added = log.add_decision(first, "fake", 'the "ears" differ', actor="anna")
    decision = entries(path)[-1]
    assert decision["hash"] == added
    assert decision["entry"] == first
    assert decision["actor"] == "anna"
    assert decision["file"] == {"sha256": IMAGE.sha256, "size": IMAGE.size}
    with pytest.raises(AuditError, match="has no analysis"):
        log.add_decision(added, "fake")  # a decision about a decision
    with pytest.raises(AuditError, match="has no analysis"):
        log.add_decision("0" * 64, "fake")
    with pytest.raises(ValueError, match="a decision is one of"):
        log.add_decision(first, "perhaps")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="note of up to 2000"):
        log.add_decision(first, "fake", "x" * 2001)
    assert not verify(path).problems
