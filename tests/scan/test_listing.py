"""Pictures are listed in a process of its own: what goes wrong there costs a row."""

import bz2
import contextlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet
import pytest

from veraface.errors import DataError
from veraface.scan.filters import Filter
from veraface.scan.item import Item
from veraface.scan.listing import Listing
from veraface.scan.sources import list_items


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "p" / name).write_bytes(name.encode())
    return tmp_path


def listed(*sources: str, choice: Filter | None = None) -> list[Item]:
    with Listing(sources, choice or Filter()) as listing:
        return list(listing)


def test_it_gives_the_same_as_listing_here(here: Path) -> None:
    with zipfile.ZipFile("z.zip", "w") as archive:
        archive.writestr("deep/c.jpg", b"three")
    (here / os.fsdecode(b"p/\xff.jpg")).write_bytes(b"four")
    sources = ("p", "z.zip", "p/a.jpg")
    for choice in (Filter(), Filter(include=("*c.jpg",)), Filter(limit=2), Filter(since=1e12)):
        assert listed(*sources, choice=choice) == list(list_items(sources, choice))


def test_what_is_not_there_is_said_before_any_work(here: Path) -> None:
    with pytest.raises(DataError, match="q: no such file or folder"):
        Listing(["p", "q"], Filter())
    with pytest.raises(DataError, match="not a valid path"):
        Listing(["p", "a\0b"], Filter())


def test_only_a_source_alone_can_fail_as_a_whole(here: Path) -> None:
    name = os.fsdecode(b"bad\xff.zip")
    Path(name).write_bytes(b"no archive")
    with pytest.raises(DataError, match="cannot be read"):
        listed(name)
    for sources in ((name, "p/b.jpg"), ("p/a.jpg", name, "p/b.jpg")):
        *_, bad, last = listed(*sources)
        assert (bad.path, last.path) == (r"bad\xff.zip", "p/b.jpg")
        assert "cannot be read" in (bad.trouble or "")


def test_nothing_of_the_folder_that_is_listed_is_run(here: Path) -> None:
    Path("fnmatch.py").write_text("open('ran', 'w')")
    assert len(listed("p")) == 2
    assert not Path("ran").exists()


def test_it_ends_for_good_whoever_ends_it(here: Path) -> None:
    """Not by starting another process for the next source."""
    os.mkfifo("list.txt")
    listing = Listing(["p/a.jpg", "list.txt", "p/b.jpg"], Filter())
    found: list[Item] = []
    thread = threading.Thread(target=lambda: found.extend(listing))
    with listing:
        thread.start()
        deadline = time.monotonic() + 60
        while not found and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)  # within which it waits in the list
    thread.join(10)
    assert not thread.is_alive()
    assert [item.path for item in found] == ["p/a.jpg"]
    assert listing_processes() == []


def test_it_ends_with_a_process_that_is_killed(here: Path) -> None:
    code = (
        "from veraface.scan.filters import Filter; from veraface.scan.listing import Listing\n"
        "import os, signal\n"
        "items = iter(Listing(['-'], Filter())); print(next(items).path, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("p/a.jpg\n" * 5000)  # and more would come: it is not closed
    process.stdin.flush()
    assert process.stdout.readline() == "p/a.jpg\n"
    assert process.wait(10) == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while listing_processes() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert listing_processes() == []


def listing_processes() -> list[int]:
    """Those that list for this folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "veraface.scan.listing" in process.cmdline() and process.cwd() == os.getcwd():
                found.append(process.pid)
    return found


def test_large_groups_of_rows_fit(here: Path) -> None:
    """As pandas writes them: all rows in one group, by default."""
    images = [os.urandom(500_000) for _ in range(400)]
    pyarrow.parquet.write_table(pa.table({"bytes": images}), "t.parquet", row_group_size=400)
    with Listing(["t.parquet"], Filter()) as listing:
        assert sum(item.content is not None for item in listing) == 400


def long_name() -> bytes:
    """A tar archive, packed, with a name of 6 GiB, of which the first 128 MiB are there."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 6 * 2**30
    packer = bz2.BZ2Compressor(9)
    packed = packer.compress(header.tobuf(tarfile.GNU_FORMAT))
    packed += b"".join(packer.compress(bytes(2**24)) for _ in range(8))
    return packed + packer.flush()


def one_value_for_many() -> bytes:
    """A table of 4,000 rows that all have the same image of 40 MiB."""
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 4000, pa.int32()), [bytes(40 * 2**20)])
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"bytes": column}), buffer, compression="zstd")
    return buffer.getvalue()


def largest(items: Iterator[Item], process: psutil.Process) -> int:
    """The most memory, MiB, that the process that lists had while some of the items were taken."""
    most = 0
    for number, _ in enumerate(items):
        most = max(most, process.memory_info().rss >> 20)
        if number == 20:
            break
    return most


@pytest.mark.parametrize(("name", "make"), [("long.tar.bz2", long_name), ("one.parquet", one_value_for_many)])
def test_small_files_that_unpack_to_much_take_little(name: str, make: object) -> None:
    Path(name).write_bytes(make())  # type: ignore[operator]
    before = psutil.Process().memory_info().rss
    with Listing(["p/a.jpg", name], Filter()) as listing:
        items = iter(listing)
        next(items)
        assert listing._process is not None
        assert largest(items, psutil.Process(listing._process.pid)) < 700
    assert psutil.Process().memory_info().rss - before < 300 * 2**20


def test_where_it_dies_the_other_sources_are_listed_all_the_same(here: Path) -> None:
    os.mkfifo("list.txt")  # the process waits in it, as long as nobody writes
    with Listing(["p/a.jpg", "list.txt", "p/b.jpg"], Filter()) as listing:
        items = iter(listing)
        assert next(items).path == "p/a.jpg"
        assert listing._process is not None
        time.sleep(
            1
        )  # the next source may be told of by then, or not: either way it is that one that is lost
        listing._process.send_signal(signal.SIGKILL)
        rest, last = items
    assert rest.path == "list.txt (the rest of it)"
    assert "crashes what lists it" in (rest.trouble or "")
    assert last.path == "p/b.jpg"


def test_it_ends_with_who_asked(here: Path) -> None:
    os.mkfifo("list.txt")
    with Listing(["p/a.jpg", "list.txt"], Filter()) as listing:
        next(iter(listing))
        assert listing._process is not None
        process = psutil.Process(listing._process.pid)
    assert not process.is_running()
