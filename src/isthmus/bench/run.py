"""A whole bench over a folder: sweep, record, timings and reports, from one plan."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from isthmus.bench.cache import Cache, default_directory
from isthmus.bench.curves import curves_of
from isthmus.bench.metrics import METRICS, present
from isthmus.bench.published import SHOWN, published_curves
from isthmus.bench.report import bd_table, published_table, summary, timing_note, timing_table, write_report
from isthmus.bench.results import record_of, write_csv, write_json
from isthmus.bench.rivals import Rival, choose
from isthmus.bench.subject import PICTURES, SOUNDS, Subject, beginnings
from isthmus.bench.sweep import Progress, files_in, sources_in, sweep
from isthmus.bench.tables import as_columns
from isthmus.bench.timing import qualities_near, time_codecs
from isthmus.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from isthmus.bench.codec import Own


@dataclass(frozen=True)
class Plan:
    """What to measure and where to write it.

    Attributes:
        folder: the pictures, or the sounds.
        output: the folder for the report.
        name: the set's, in the report.
        codecs: names, those of isthmus itself among them or not; None for isthmus, in all ways that its weights
            have, and all rivals.
        models: weights to run isthmus with; none for the default ones.
        metrics: names; None for all that can be measured here.
        anchor: the codec that BD-rates compare with; None for JPEG or Opus, or the first lossy one without it.
        published: names of published Kodak curves to compare with and to draw.
        timing_threads: take timings, on so many threads; None for none.
        every: take every so many of each curve's qualities, from the highest down.
        processes: how many at once; None for one a core.
        cache: folder of measured points; None for the user's own.
        seconds: of sounds, take only the first so many; None for all of them.
    """

    folder: Path
    output: Path
    name: str
    codecs: tuple[str, ...] | None = None
    models: tuple[str, ...] = ()
    metrics: tuple[str, ...] | None = None
    anchor: str | None = None
    published: tuple[str, ...] = ()
    timing_threads: int | None = None
    every: int = 1
    processes: int | None = None
    cache: Path | None = None
    seconds: float | None = None

    @property
    def command(self) -> str:
        """The command that gives these figures, without what is of one machine only."""
        words = ["isthmus", "bench", self.folder.resolve().name]
        for option, values in (("codecs", self.codecs), ("metrics", self.metrics)):
            if values:
                words += [f"--{option}", ",".join(values)]
        for model in self.models:
            words += ["--model", Path(model).name]
        if self.anchor not in (None, PICTURES.anchor, SOUNDS.anchor):
            words += ["--anchor", self.anchor]
        if self.seconds is not None:
            words += ["--seconds", f"{self.seconds:g}"]
        if self.every > 1:
            words += ["--every", str(self.every)]
        if self.timing_threads is not None:
            words += ["--timing", "--threads", str(self.timing_threads)]
        if self.published:
            words += ["--published"] if self.published == SHOWN else ["--published", ",".join(self.published)]
        return shlex.join(words)


@dataclass(frozen=True)
class Chosen:
    """What the names of a plan stand for.

    Attributes:
        codecs: those that run here.
        absent: label and reason of codecs and metrics that are not here.
        metrics: names of those that are.
        lossy: names of the codecs that have a curve.
        anchor: the one of them that BD-rates compare with.
        subject: what the folder holds.
    """

    codecs: tuple[Rival, ...]
    absent: list[tuple[str, str]]
    metrics: tuple[str, ...]
    lossy: tuple[str, ...]
    anchor: str
    subject: Subject = PICTURES


def subject_in(plan: Plan) -> Subject:
    """What the folder of a plan holds: pictures, unless there are only sounds.

    Raises:
        InputError: it holds both, or something is asked for that is of the other.
    """
    found = [subject for subject in (PICTURES, SOUNDS) if files_in(plan.folder, subject.suffixes)]
    if len(found) > 1:
        hint = "Put them into folders of their own."
        raise InputError(f"{plan.folder} holds both pictures and sounds", expected="one of the two", hint=hint)
    subject = found[0] if found else PICTURES
    if subject is PICTURES:
        if plan.seconds is not None:
            raise InputError("--seconds", expected="a folder of sounds", got="pictures")
        return PICTURES
    if plan.published:
        raise InputError("--published", expected="a folder of pictures", got="sounds")
    return SOUNDS if plan.seconds is None else beginnings(plan.seconds)


def chosen(plan: Plan, own: Own | None = None) -> Chosen:
    """Looks the names of a plan up.

    Args:
        own: what is measured as isthmus; None for itself.

    Raises:
        InputError: an unknown codec, metric, anchor or published curve, two codecs of one name, or as `subject_in`.
        MissingExtraError: a metric is asked for by name and what measures it is not installed.
        UnknownModelError, ModelError: the weights that isthmus is asked for are none.
        InputError: they have no dial for the tune that is asked for by name.
    """
    subject = subject_in(plan)
    metrics, unmeasured = _metrics(plan.metrics, subject)
    _known("published curve", plan.published, tuple(published_curves()))
    names = plan.codecs or tuple(subject.rivals)
    present, absent = choose([name for name in names if name not in subject.own], subject.rivals)
    ours = _isthmus(plan.models, [name for name in subject.own if name in names] if plan.codecs else None, own, subject)
    codecs = tuple(replace(codec, qualities=codec.qualities[:: -plan.every][::-1]) for codec in (*ours, *present))
    twice = [name for name, count in Counter(codec.name for codec in codecs).items() if count > 1]
    if twice:
        hint = "Models are told apart by the names of their files."
        raise InputError("two codecs of one name", expected="each once", got=", ".join(twice), hint=hint)
    lossy = tuple(codec.name for codec in codecs if not codec.lossless)
    if not lossy:
        raise InputError("no lossy codec to compare with", expected="one at least", got=", ".join(names))
    anchor = plan.anchor or (subject.anchor if subject.anchor in lossy else lossy[0])
    _known("anchor", (anchor,), lossy)
    return Chosen(codecs, [*absent, *unmeasured], metrics, lossy, anchor, subject)


def _metrics(names: tuple[str, ...] | None, subject: Subject) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    """The metrics to measure, and label and reason of those that cannot be; what is named must be here."""
    if names is None:
        return present(subject.metrics)
    for name in _known("metric", names, subject.metrics):
        if (reason := METRICS[name].absence()) is not None:
            raise MissingExtraError(f"{METRICS[name].label} cannot be measured", hint=reason)
    return names, []


def bench(plan: Plan, found: Chosen, progress: Progress | None = None) -> str:
    """Measure, write results.json, points.csv, report.html and the plots, and return the tables as text.

    Args:
        found: what `chosen` returned for the plan.

    Raises:
        InputError: a folder without pictures and sounds.
        IsthmusError: a codec cannot encode one of them.
    """
    codecs, subject = found.codecs, found.subject
    sources = sources_in(plan.folder, subject)
    points = sweep(sources, codecs, Cache(plan.cache or default_directory()), found.metrics, plan.processes, progress)
    timing = None
    if plan.timing_threads is not None:
        curves = {name: curve for name, curve in curves_of(points).items() if name in found.lossy}
        timing = time_codecs(sources, codecs, qualities_near(curves, subject.timed_at), plan.timing_threads)
    beside = [published_curves()[name].curve for name in plan.published]
    record = record_of(plan.name, plan.command, sources, codecs, points, found.absent, timing, beside, subject)
    plan.output.mkdir(parents=True, exist_ok=True)
    write_json(record, plan.output / "results.json")
    write_csv(points, plan.output / "points.csv", subject)
    write_report(record, plan.output, found.anchor)
    lines = [as_columns(bd_table(record, found.anchor)), *summary(record)]
    if rows := published_table(record):
        lines += ["Against published curves of the Kodak pictures, BD-rate at equal PSNR:", as_columns(rows)]
    if timing:
        lines += [as_columns(timing_table(record)), timing_note(timing, subject)]
    lines += [f"{label} is not here: {reason}" for label, reason in found.absent]
    return "\n\n".join(lines)


def _isthmus(models: Sequence[str], names: Sequence[str] | None, own: Own | None, subject: Subject) -> list[Rival]:
    if names is not None and not names:
        return []
    # Imported only where isthmus is measured: the rivals run without weights.
    from isthmus.bench.codec import Own, isthmus_codecs

    return isthmus_codecs(models, names, (own or Own()).codec, subject)


def _known(what: str, names: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in known:
            raise InputError(f"unknown {what}", expected=f"one of {', '.join(known)}", got=name)
    return names
