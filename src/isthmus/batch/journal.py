"""The report of a run as a file of JSON lines, written as the run goes: what failed, how far it is, how it ended.

What went well is counted, not listed, so the report of ten million pictures stays small. A run that goes on where
another was stopped goes on with its file too.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from io import FileIO
from pathlib import Path
from typing import Any

from isthmus.batch.job import Job, Result, Summary
from isthmus.plain import json_text

_EVERY = 10.0
"""Seconds between two lines of progress."""


class Journal:
    """Lines of one run; `open_journal` makes one.

    Args:
        stream: an open file without a buffer, or None where nobody wants a report.
    """

    def __init__(self, stream: FileIO | None) -> None:
        self._stream, self._start = stream, time.monotonic()
        self._next = self._start + _EVERY

    def begin(self, job: Job) -> None:
        """What is done, from where to where."""
        self._write("begin", verb=job.verb, source=job.source, target=job.target)

    def watch(self, results: Iterable[Result], summary: Summary) -> Iterator[Result]:
        """The same results, each counted in the summary; those that have something to say are written down."""
        for result in results:
            summary.add(result)
            if result.state == "failed" or result.message:
                event = "failed" if result.state == "failed" else "note"
                self._write(event, input=result.item.name, output=result.item.output, message=result.message)
            if time.monotonic() >= self._next:
                self._next = time.monotonic() + _EVERY
                self._write("progress", **asdict(summary))
            yield result

    def end(self, summary: Summary, others: int) -> None:
        """The counts of the whole run, and how many files were left alone."""
        self._write("end", **asdict(summary), other_files=others)

    def _write(self, event: str, **fields: Any) -> None:
        if self._stream is not None:
            seconds = round(time.monotonic() - self._start, 3)
            line = json_text({"event": event, "time": round(time.time(), 3), "seconds": seconds, **fields})
            try:
                self._stream.write(f"{line}\n".encode(errors="replace"))
            except OSError as error:
                # That of an open stream does not say which.
                error.filename = self._stream.name
                raise


@contextmanager
def open_journal(path: str | Path | None) -> Iterator[Journal]:
    """A journal at the end of a file, which may be there already; of None, one that writes nothing.

    Raises:
        OSError: the file cannot be opened, or a line cannot be written.
    """
    if path is None:
        yield Journal(None)
        return
    with FileIO(path, "a") as stream:
        yield Journal(stream)
