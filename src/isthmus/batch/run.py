"""Whole trees of pictures, encoded or decoded by many processes, going on where an earlier run was stopped.

Every output is written whole or not at all, so what is there and reads as whole is done and is skipped. The weights
are loaded once a process; pictures are handed out a few at a time, so memory does not grow with their number.
"""

from __future__ import annotations

import functools
import io
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from PIL import Image

from isthmus.batch.tree import Tree
from isthmus.bitstream.limits import Limits
from isthmus.codec import DEFAULT_QUALITY, SUFFIX, Codec, Info, is_encoded
from isthmus.errors import BitstreamError, CorruptError, InputError, IsthmusError, OutputExistsError, TruncatedError
from isthmus.image.container import parse
from isthmus.image.files import open_picture, picture_size, save_picture
from isthmus.processes import process_pool
from isthmus.rate_control import Target, encode_to_target
from isthmus.text import reason

State = Literal["done", "kept", "skipped", "failed"]
_FORCE = "Use --force to replace it."
_AHEAD = 4  # pictures handed out per worker: enough to keep it busy, few enough to lose


@dataclass(frozen=True)
class Job:
    """What is done to every picture; it travels to the workers.

    Attributes:
        verb: encode or decode.
        source, target: addresses of the two trees.
        quality: 0 to 100, where there is no aim.
        aim: a target instead of a quality.
        strip: leave metadata out.
        keep_smaller: copy the original where encoding does not make it smaller.
        force: redo and replace what is there.
        model: a model file, the name of an installed model, or None for "best".
        threads: of the inference engine, in each worker.
        limits: what a picture may ask for.
        effort: of encoding; files of another effort count as done.
    """

    verb: Literal["encode", "decode"]
    source: str
    target: str
    quality: float = DEFAULT_QUALITY
    aim: Target | None = None
    strip: bool = False
    keep_smaller: bool = False
    force: bool = False
    model: str | None = None
    threads: int = 1
    limits: Limits = field(default_factory=Limits)
    effort: int = 1


@dataclass(frozen=True)
class Item:
    """One picture: its name in the source tree, its bytes there, and the name it gets."""

    name: str
    size: int
    output: str


@dataclass(frozen=True)
class Result:
    """What became of one picture; `message` says why it failed or was kept as it was, or what else to know of it."""

    item: Item
    state: State
    bytes_after: int = 0
    message: str = ""


@dataclass
class Summary:
    """Counts of a run; bytes are of the pictures that this run wrote."""

    done: int = 0
    kept: int = 0
    skipped: int = 0
    failed: int = 0
    bytes_before: int = 0
    bytes_after: int = 0

    def add(self, result: Result) -> None:
        """Count one more picture."""
        setattr(self, result.state, getattr(self, result.state) + 1)
        if result.state in ("done", "kept"):
            self.bytes_before += result.item.size
            self.bytes_after += result.bytes_after

    @property
    def total(self) -> int:
        """Pictures looked at."""
        return self.done + self.kept + self.skipped + self.failed


def items(job: Job) -> tuple[list[Item], int, list[Result]]:
    """The pictures of the source tree, how many other files are left alone, and the folders that cannot be read.

    Two pictures that differ only in their suffix keep it: a.png and a.jpg become a.png.isth and a.jpg.isth.

    Raises:
        IsthmusError, OSError: the tree cannot be listed.
    """
    unread: dict[str, OSError] = {}
    files = Tree(job.source).files(unread)
    names = [name for name in files if _wanted(name, job.verb)]
    suffix = SUFFIX if job.verb == "encode" else ".png"
    outputs = {name: str(PurePosixPath(name).with_suffix(suffix)) for name in names}
    # Until no two are alike: whole names never are, so this ends.
    while clashes := {output for output, count in Counter(outputs.values()).items() if count > 1}:
        outputs |= {name: name + suffix for name, output in outputs.items() if output in clashes}
    found = [Item(name, files[name], outputs[name]) for name in names]
    failed = [Result(Item(name, 0, ""), "failed", message=reason(error)) for name, error in unread.items()]
    return found, len(files) - len(found), failed


def run(job: Job, todo: Iterable[Item], workers: int) -> Iterator[Result]:
    """The result of every item, in the order in which they end."""
    rest = iter(todo)
    lost: list[Item] = []
    while True:
        yield from _through_a_pool(job, rest, workers, lost)
        if not lost:
            return
        for item in lost:
            yield Result(item, "failed", message="a worker process died, perhaps out of memory; run it again")
        lost = []


def _through_a_pool(job: Job, rest: Iterator[Item], workers: int, lost: list[Item]) -> Iterator[Result]:
    """Results until nothing is left, or until a worker dies; what it takes with it is `lost`."""
    running: dict[Future[Result], Item] = {}
    with process_pool(workers) as pool:
        while True:
            try:
                for item in itertools.islice(rest, workers * _AHEAD - len(running)):
                    running[pool.submit(process, job, item)] = item
            except BrokenProcessPool:
                lost.append(item)
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                item = running.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    lost.append(item)
                else:
                    yield result
            if lost:
                lost.extend(running.values())
                return


def process(job: Job, item: Item) -> Result:
    """Encode or decode one picture; every failure becomes a result."""
    work: Callable[[Job, Item], Result] = _encode if job.verb == "encode" else _decode
    return _result(work, job, item)


def foresee(job: Job, item: Item) -> Result:
    """What `process` would find there before it does anything: whole already, in its way, or nothing ("done")."""
    return _result(_foresee, job, item)


def _result(work: Callable[[Job, Item], Result], job: Job, item: Item) -> Result:
    try:
        return work(job, item)
    except (OSError, IsthmusError) as error:
        return Result(item, "failed", message=reason(error))
    except Exception as error:  # whatever is wrong with one picture, the others go on
        return Result(item, "failed", message=f"{type(error).__name__}: {error}")


def _foresee(job: Job, item: Item) -> Result:
    codec, source, target = _tools(job)
    if job.verb == "encode":
        before = _encoded_before(job, item, source, target, codec)
    else:
        # Inspected in any case: a damaged file is foreseen too.
        info = codec.inspect(source.read(item.name, job.limits.max_file_bytes))
        before = _decoded_before(job, item, source, target, lambda: info)
    return Result(item, "skipped" if before else "done")


def _encode(job: Job, item: Item) -> Result:
    codec, source, target = _tools(job)
    if _encoded_before(job, item, source, target, codec):
        return Result(item, "skipped")
    with source.open(item.name, job.limits.max_file_bytes) as stream:
        picture = open_picture(stream, job.limits)
    notes = list(picture.notes)
    if job.aim is None:
        data = codec.encode(picture, job.quality, job.strip)
    else:
        reached = encode_to_target(codec, picture, job.aim, job.strip)
        data = reached.data
        notes += [reached.note] if reached.note else []
    if job.keep_smaller and len(data) >= item.size:
        original = source.read(item.name, job.limits.max_file_bytes)
        if not job.force and target.size(item.name) is not None:
            raise OutputExistsError(f"{item.name} is there already and is another file", hint=_FORCE)
        target.write(item.name, original)
        return Result(item, "kept", len(original), f"{len(data)} bytes encoded, not smaller: copied as it is")
    target.write(item.output, data)
    return Result(item, "done", len(data), "; ".join(notes))


def _encoded_before(job: Job, item: Item, source: Tree, target: Tree, codec: Codec) -> bool:
    if job.force:
        return False
    if job.keep_smaller and target.size(item.name) == item.size:
        limit = job.limits.max_file_bytes
        if target.read(item.name, limit) == source.read(item.name, limit):
            return True
    if target.size(item.output) is None:
        return False
    try:
        header = parse(target.read(item.output, job.limits.max_file_bytes), job.limits).header
    except (TruncatedError, CorruptError):
        # This is what a second run is for.
        return False
    except BitstreamError as error:
        raise OutputExistsError(
            f"{item.output} is there already and is no .isth file that can be read here", got=error, hint=_FORCE
        ) from error
    wanted, found = f"model {codec.model.id.hex()}", f"model {header.model_id.hex()}"
    if job.aim is None:
        wanted = f"quality {round(job.quality, 2):g} of {wanted}"
        found = f"quality {header.quality.percent:g} of {found}"
    if wanted != found:
        raise OutputExistsError(f"{item.output} is there already", expected=wanted, got=found, hint=_FORCE)
    with source.open(item.name, job.limits.max_file_bytes) as stream:
        size = picture_size(stream, job.limits)
    # Stored on its side, perhaps, and encoded upright.
    if sorted(size) != sorted((header.width, header.height)):
        raise OutputExistsError(f"{item.output} is there already and is another picture", hint=_FORCE)
    _refuse_older(item, source, target)
    return True


def _refuse_older(item: Item, source: Tree, target: Tree) -> None:
    """Raises OutputExistsError if an output was written before its source, so that it cannot show what that shows."""
    read, written = source.modified(item.name), target.modified(item.output)
    if read is not None and written is not None and read > written:
        raise OutputExistsError(f"{item.output} is there already and is older than {item.name}", hint=_FORCE)


def _decode(job: Job, item: Item) -> Result:
    codec, source, target = _tools(job)
    data = source.read(item.name, job.limits.max_file_bytes)
    if _decoded_before(job, item, source, target, lambda: codec.inspect(data)):
        return Result(item, "skipped")
    buffer = io.BytesIO()
    save_picture(codec.decode_image(data), buffer, "PNG")
    target.write(item.output, buffer.getvalue())
    return Result(item, "done", buffer.tell())


def _decoded_before(job: Job, item: Item, source: Tree, target: Tree, inspect: Callable[[], Info]) -> bool:
    if job.force or target.size(item.output) is None:
        return False
    info = inspect()
    with suppress(InputError), target.open(item.output, job.limits.max_file_bytes) as stream:
        if picture_size(stream, job.limits, whole=True) == (info.width, info.height):
            _refuse_older(item, source, target)
            return True
    raise OutputExistsError(f"{item.output} is there already and is another picture", hint=_FORCE)


def _wanted(name: str, verb: str) -> bool:
    if verb == "decode":
        return is_encoded(name)
    path = PurePosixPath(name)
    return (
        not path.name.startswith(".")
        and path.suffix.lower() != SUFFIX
        and Image.registered_extensions().get(path.suffix.lower()) in Image.OPEN
    )


def _tools(job: Job) -> tuple[Codec, Tree, Tree]:
    """The codec, and the trees to read from and to write to; loaded once a process."""
    return _codec(job.model, job.threads, job.limits, job.effort), _tree(job.source), _tree(job.target)


@functools.lru_cache(maxsize=1)
def _codec(model: str | None, threads: int, limits: Limits, effort: int) -> Codec:
    return Codec(model, threads, limits, effort)


@functools.lru_cache(maxsize=2)
def _tree(address: str) -> Tree:
    return Tree(address)
