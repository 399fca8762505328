"""Run a scan: from its sources to its table, its summary, and a report as one self-contained HTML page."""

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from veraface.errors import DataError
from veraface.files import ensure_writable_dir, same_file, write_atomic
from veraface.scan.duplicates import find_near_duplicates
from veraface.scan.engine import Engine, ItemResult
from veraface.scan.item import Filter, Item, display_path
from veraface.scan.listing import Listing
from veraface.scan.selection import left_out_lines
from veraface.scan.store import ItemState, Store, StoredRecord, discard
from veraface.scan.tables import check_name, table_rows, write_table
from veraface.utils import needs_extra
from veraface.wording import PLAIN, Wording

_VERDICTS = ("fake", "uncertain", "real", "no_face")
_HISTOGRAM_BINS = 20
_REPORT_TEMPLATE = Path(__file__).with_name("report.html")

# Takes the number of images that are done, and how many of them this run has analyzed.
ProgressCallback = Callable[[int, int], None]


@dataclass(frozen=True)
class Output:
    """The files that a scan writes, and what happens if some of them exist."""

    table: Path
    report: Path | None = None  # an HTML page
    resume: bool = False  # continue an unfinished scan
    overwrite: bool = False  # discard existing output and start over

    @property
    def unfinished(self) -> Path:
        """The file that keeps the results until the table is written."""
        return self.table.with_name(self.table.name + ".unfinished")


@dataclass(frozen=True)
class Summary:
    """Counts of a finished scan."""

    table: str  # display path of the table
    verdicts: dict[str, int]  # images per verdict
    errors: dict[str, int]  # images per error code
    duplicates: int  # images that look like an earlier one
    histogram: list[int]  # images per bin of p_fake; equal bins from 0 to 1
    analyzed: int  # images that this run analyzed
    skipped: int  # images that an earlier run had analyzed
    seconds: float  # duration of this run
    model: dict[str, str] = field(default_factory=dict)  # name, version and sha256
    left_out: list[str] = field(default_factory=list)  # how many files were left out and why, as text

    @property
    def images(self) -> int:
        """Number of images in the table, including those with an error."""
        return sum(self.verdicts.values()) + sum(self.errors.values())


def scan(
    sources: Sequence[str],
    output: Output,
    engine: Engine,
    *,
    filters: Filter | None = None,
    progress: ProgressCallback = lambda *_: None,
    observe: Callable[[ItemResult], None] = lambda _: None,
    wording: Wording = PLAIN,
) -> Summary:
    """Analyze all images and write one table.

    Results are kept beside the table, in NAME.unfinished, until the table is written.

    Args:
        sources: files, folders, patterns, archives, lists, tables and URLs, as `list_images` takes them.
        output: the files to write.
        engine: analyzes the images.
        filters: which images to analyze; all if None.
        progress: called after each image, possibly in another thread.
        observe: called with each result before it is kept.
        wording: the words for verdicts in the column `label` and in the report.

    Raises:
        DataError: a source does not exist, no image was found, or an output exists or cannot be written.
        ModelError: the model is missing or damaged.
    """
    check_output(output, sources)
    filters = filters or Filter()
    listing = Listing(sources, filters)
    with _Session(output, engine.model_info(), progress, wording) as session:
        pending = session.pending
        with listing as items, closing(engine.process(pending(items), session.thumbnail_from)) as results:
            for result in results:
                observe(result)
                session.save(result)
        return session.finish(filters.nothing_found, left_out_lines(listing.left_out))


class _Session:
    """The state of one scan: selects the images that are pending, saves results, writes the table.

    If the `with` block ends without `finish`, the results stay in NAME.unfinished. Raises DataError if the
    unfinished scan was made with another model, or is running.
    """

    def __init__(
        self, output: Output, model: dict[str, str], progress: ProgressCallback, wording: Wording
    ) -> None:
        self._output = output
        self._wording = wording
        self._model = model
        self._progress = progress
        self._started = perf_counter()
        self._analyzed = self._skipped = 0
        self._finished = False
        if output.overwrite:
            discard(output.unfinished)
        self._store = Store(output.unfinished, {"model": model["sha256"]})
        self.thumbnail_from = self._store.thumbnail_from

    def __enter__(self) -> "_Session":
        return self

    def __exit__(self, *_: object) -> None:
        if self._finished or self._store.is_empty():
            self._store.remove()
        else:
            self._store.close()

    def pending(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the images that no run has analyzed yet, each once."""
        for position, item in enumerate(items):
            state = self._store.claim(item, position)
            if state is ItemState.NEW:
                yield item
            elif state is ItemState.DONE:
                self._skipped += 1
                self._progress(self._analyzed + self._skipped, self._analyzed)

    def save(self, result: ItemResult) -> None:
        """Save a result; whatever happens later, the image is not analyzed again."""
        self._store.save(result.item, result.facts, result.record, result.thumbnail)
        self._analyzed += 1
        self._progress(self._analyzed + self._skipped, self._analyzed)

    def finish(self, nothing_found: str, left_out: list[str]) -> Summary:
        """Write the table, and the report if there is one; raise DataError, `nothing_found` if empty."""
        if self._analyzed + self._skipped == 0:
            raise DataError("\nleft out: ".join([nothing_found, *left_out]))
        self._store.forget_failed()
        duplicates = find_near_duplicates(self._store.hashes())
        write_table(self._output.table, self._rows(duplicates))
        counts = self._store.counts()
        summary = Summary(
            table=display_path(str(self._output.table)),
            verdicts={name: counts.pop(name, 0) for name in _VERDICTS},
            errors=counts,
            duplicates=len(duplicates),
            histogram=self._store.histogram(_HISTOGRAM_BINS),
            analyzed=self._analyzed,
            skipped=self._skipped,
            seconds=perf_counter() - self._started,
            model=self._model,
            left_out=left_out,
        )
        if self._output.report is not None:
            _write_report(self._output.report, summary, self._store.most_suspicious(), self._wording)
        self._finished = True
        return summary

    def _rows(self, duplicates: Mapping[int, int]) -> Iterator[dict[str, Any]]:
        name, version, sha256 = (self._model[key] for key in ("name", "version", "sha256"))
        model = {"model": f"{name} {version}", "model_sha256": sha256}
        for stored in self._store.records():
            first = duplicates.get(stored.rank)
            duplicate_of = None if first is None else self._store.path_at(first)
            rows = table_rows(stored.path, stored.facts, stored.record, duplicate_of, model)
            for row in rows:
                yield row | {"label": None if row["verdict"] is None else self._wording.label(row["verdict"])}


def _write_report(
    path: Path, summary: Summary, suspicious: Iterable[tuple[StoredRecord, bytes]], wording: Wording
) -> None:
    """Write counts, histogram, and a gallery of the images with the highest p_fake, each with its JPEG."""
    with needs_extra("scan"):
        from jinja2 import Environment, StrictUndefined
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_REPORT_TEMPLATE.read_text(encoding="utf-8"))
    gallery = [
        {"path": stored.path, "jpeg": b64encode(jpeg).decode(), **stored.record}
        for stored, jpeg in suspicious
    ]
    highest = max(summary.histogram) or 1
    page = template.render(summary=summary, wording=wording, highest=highest, gallery=gallery)
    write_atomic(path, page)


def is_finished(output: Output) -> bool:
    """Return whether an earlier scan into the table has finished."""
    return _exists(output.table) and not _exists(output.unfinished)


def check_output(output: Output, sources: Sequence[str]) -> None:
    """Raise DataError if an output file cannot be written, or would be overwritten unintentionally."""
    check_name(output.table)
    written = [path for path in (output.table, output.report) if path is not None]
    for path in written:
        ensure_writable_dir(path.parent)
        if _exists(path) and path.is_dir():
            raise DataError(f"{path}: is a folder; give the name of a file")
        if any(same_file(path, source) for source in sources):
            raise DataError(f"{path}: would overwrite a source; give another name")
    if len({path.resolve() for path in (*written, output.unfinished)}) <= len(written):
        raise DataError(
            f"{output.report}: is the name of the table or of its unfinished results; give another"
        )
    if output.overwrite:
        return
    if is_finished(output):
        raise DataError(f"{output.table}: exists already; give another name, or --overwrite")
    if output.report is not None and _exists(output.report) and not output.resume:
        raise DataError(f"{output.report}: exists already; give another name, or --overwrite")
    if output.unfinished.exists() and not output.resume:
        raise DataError(
            f"{output.table}: an earlier scan into it is unfinished; continue it with --resume, "
            "or start over with --overwrite"
        )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # a name that is too long
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error
