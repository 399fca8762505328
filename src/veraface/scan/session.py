"""A scan from its sources to its table, its summary and its report."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

from veraface.errors import DataError
from veraface.files import ensure_writable_dir, same_file
from veraface.scan import store as stores
from veraface.scan.duplicates import first_alike
from veraface.scan.engine import Engine, Job, Judged
from veraface.scan.filters import Filter
from veraface.scan.item import Item, shown
from veraface.scan.listing import Listing
from veraface.scan.records import rows
from veraface.scan.report import write_report
from veraface.scan.store import Claim, Store
from veraface.scan.tables import check_name, write_table

_VERDICTS = ("fake", "uncertain", "real", "no_face")
_BINS = 20


@dataclass(frozen=True)
class Output:
    """What a scan writes, and what it does where something of it is there already."""

    table: Path
    report: Path | None = None  # an HTML page
    resume: bool = False  # go on with what was begun
    overwrite: bool = False  # begin anew, whatever stands there


@dataclass(frozen=True)
class Summary:
    """What came of a scan."""

    table: str
    verdicts: dict[str, int]  # how many images of each
    errors: dict[str, int]  # how many of each code
    duplicates: int  # images that look as an earlier one
    histogram: list[int]  # how many images have a p_fake in each twentieth of 0 to 1
    judged: int  # images in this run
    skipped: int  # that an earlier run had judged
    seconds: float  # of this run
    model: dict[str, str] = field(default_factory=dict)  # name, version and sha256

    @property
    def pictures(self) -> int:
        """In the table, those with an error included."""
        return sum(self.verdicts.values()) + sum(self.errors.values())


Watch = Callable[[str], None]  # told "judged" or "skipped", once an image


def scan(
    sources: Sequence[str],
    output: Output,
    engine: Engine,
    *,
    choice: Filter | None = None,
    model: Path | None = None,
    watch: Watch = lambda _: None,
) -> Summary:
    """Judges all images and writes one table of them.

    What is done is kept beside the table, in NAME.unfinished, until the table is written.

    Args:
        sources: As `list_items` takes them.
        output: What to write.
        engine: What judges.
        choice: Which images are wanted.
        model: An `.onnx` file; the shipped model if None.
        watch: Is told of every image.

    Raises:
        DataError: A source is not there, or an output cannot be written, or would be overwritten unasked.
        ModelError: The model is missing or damaged.
    """
    unfinished = _prepare(output, sources)
    running = _Running(unfinished, watch)
    job = Job(running.begin, running.claim, running.keep, running.thumbnail_from, model)
    started = perf_counter()
    try:
        with Listing(sources, choice or Filter()) as items:
            engine.run(iter(items), job)
        summary = running.finish(output, started)
    except BaseException:
        running.close()
        raise
    running.remove()
    return summary


def is_finished(output: Output) -> bool:
    """Whether an earlier scan into that table came to its end."""
    return _is_there(output.table) and not _is_there(_unfinished(output))


def _unfinished(output: Output) -> Path:
    return output.table.with_name(output.table.name + ".unfinished")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # a name that is too long
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error


def _prepare(output: Output, sources: Sequence[str]) -> Path:
    """The name of what keeps what is done; makes sure that the outputs can be written."""
    check_name(output.table)
    unfinished = _unfinished(output)
    written = [path for path in (output.table, output.report) if path is not None]
    for path in written:
        ensure_writable_dir(path.parent)
        if _is_there(path) and path.is_dir():
            raise DataError(f"{path}: is a folder; give the name of a file")
        if any(same_file(path, source) for source in sources):
            raise DataError(f"{path}: would be written over what is to be judged; give another name")
    if len({path.resolve() for path in (*written, unfinished)}) <= len(written):
        raise DataError(f"{output.report}: is the name of the table, or of what is kept until it is written")
    if output.overwrite:
        stores.discard(unfinished)
        return unfinished
    if is_finished(output):
        raise DataError(f"{output.table}: is there already; give another name, or --overwrite")
    if output.report is not None and _is_there(output.report) and not output.resume:
        raise DataError(f"{output.report}: is there already; give another name, or --overwrite")
    if unfinished.exists() and not output.resume:
        raise DataError(
            f"{output.table}: an earlier scan into it did not end; --resume goes on with it, "
            "--overwrite begins anew"
        )
    return unfinished


class _Running:
    """One run of a scan, between its engine and its store."""

    def __init__(self, unfinished: Path, watch: Watch) -> None:
        self._unfinished = unfinished
        self._watch = watch
        self._store: Store | None = None
        self._positions = count()
        self.judged = self.skipped = 0
        self.model: dict[str, str] = {}

    @property
    def seen(self) -> int:
        """Pictures that are done, by this run or an earlier one."""
        return self.judged + self.skipped

    @property
    def store(self) -> Store:
        assert self._store is not None, "the engine has to begin first"
        return self._store

    def begin(self, model: dict[str, str]) -> None:
        self.model = model
        self._store = Store(self._unfinished, {"model": model["sha256"]})

    def claim(self, item: Item) -> bool:
        claim = self.store.claim(item, next(self._positions))
        if claim is Claim.DONE:
            self.skipped += 1
            self._watch("skipped")
        return claim is Claim.NEW

    def keep(self, judged: Judged) -> None:
        self.store.keep(judged.item, judged.facts, judged.record, judged.thumbnail)
        self.judged += 1
        self._watch("judged")

    def thumbnail_from(self) -> float:
        return self.store.thumbnail_from()

    def finish(self, output: Output, started: float) -> Summary:
        if self.seen == 0:
            raise DataError("no image was found; see --include for names without the suffix of an image")
        self.store.forget_trouble()
        alike = first_alike(self.store.hashes())
        write_table(output.table, self._rows(alike))
        counts = self.store.counts()
        summary = Summary(
            table=shown(str(output.table)),
            verdicts={name: counts.pop(name, 0) for name in _VERDICTS},
            errors=counts,
            duplicates=len(alike),
            histogram=self.store.histogram(_BINS),
            judged=self.judged,
            skipped=self.skipped,
            seconds=perf_counter() - started,
            model=self.model,
        )
        if output.report is not None:
            write_report(output.report, summary, self.store.most_suspicious())
        return summary

    def _rows(self, alike: Mapping[int, int]) -> Iterator[dict[str, Any]]:
        model = {
            "model": f"{self.model['name']} {self.model['version']}",
            "model_sha256": self.model["sha256"],
        }
        for kept in self.store.kept():
            first = alike.get(kept.rank)
            duplicate_of = None if first is None else self.store.path_at(first)
            yield from rows(kept.path, kept.facts, kept.record, duplicate_of, model)

    def close(self) -> None:
        """Leaves what is done for --resume, if there is anything."""
        if self._store is not None:
            if self._store.is_empty():
                self._store.remove()
            else:
                self._store.close()

    def remove(self) -> None:
        self.store.remove()
