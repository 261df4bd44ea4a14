"""What a run over a tree of files is made of: the job, its items, their results, and the counts of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from isthmus.codec import DEFAULT_QUALITY
from isthmus.effort import Effort
from isthmus.image.limits import Limits
from isthmus.image.picture import Layers
from isthmus.medium.protocol import Options
from isthmus.plain import number, whole
from isthmus.rate_control import Target
from isthmus.tune import Tune, TuneLike

State = Literal["done", "kept", "skipped", "failed", "copied"]


@dataclass(frozen=True)
class Job:
    """What is done to every file; it travels to the workers.

    Attributes:
        verb: encode or decode.
        source, target: addresses of the two trees.
        quality: 0 to 100, where there is no aim.
        tune: where the second dial stands, in what `Tune.of` takes; None for the default of models that have one.
        aim: a target instead of a quality.
        strip: leave metadata out.
        keep_smaller: copy the original where encoding does not make it smaller.
        copy_others: copy what is of no medium or cannot be read, so that the target has all of the source.
        force: redo and replace what is there.
        model: a model file, the name of an installed model, or None for "best".
        threads: of each worker.
        limits: what a file may ask for.
        effort: of encoding; files of another effort count as done.
        max_side: reduce larger pictures to so many pixels, before encoding or after decoding.
        suffix: of decoded files, which names their format; None for that of their medium.
        to_quality: 1 to 100, of decoded files whose format has a loss to choose; None for the usual one.
        depth: 8 to reduce deeper pictures to 8 bits a channel before encoding; None to refuse them.
        lossless: keep all samples as they are; the quality says nothing then.
        layers: what shows pictures, "auto", "photo" or "sharp"; None for the first. Files of others count as done.
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
    effort: Effort = 1
    copy_others: bool = False
    max_side: int | None = None
    suffix: str | None = None
    to_quality: int | None = None
    depth: int | None = None
    tune: TuneLike | None = None
    lossless: bool = False
    layers: Layers | None = None

    def __post_init__(self) -> None:
        # Compared and written down later: plain numbers, whatever they came as.
        object.__setattr__(self, "quality", number(self.quality, "the quality", "0 to 100"))
        if self.tune is not None:
            object.__setattr__(self, "tune", Tune.of(self.tune))
        for name in ("threads", "effort"):
            object.__setattr__(self, name, whole(getattr(self, name), f"the number for {name}"))
        for name in ("max_side", "to_quality"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, whole(getattr(self, name), f"the number for {name}"))

    @property
    def options(self) -> Options:
        """What is asked of a medium, by the names of its options."""
        if self.verb == "encode":
            return {
                "strip": self.strip,
                "max_side": self.max_side,
                "depth": self.depth,
                "lossless": self.lossless,
                "layers": self.layers,
            }
        return {"strip": self.strip, "max_side": self.max_side, "to_quality": self.to_quality}


@dataclass(frozen=True)
class Item:
    """One file.

    Attributes:
        name: in the source tree.
        size: bytes there.
        output: the name it gets.
        copied: whether it stays as it is.
        medium: the name of what it holds, as in "picture"; empty for what is copied.
        there: whether a listing of the target shows what may be its output; None where nobody looked.
    """

    name: str
    size: int
    output: str
    copied: bool = False
    there: bool | None = None
    medium: str = ""


@dataclass(frozen=True)
class Result:
    """What became of one file; `message` says why it failed or was kept as it was, or what else to know of it."""

    item: Item
    state: State
    bytes_after: int = 0
    message: str = ""


@dataclass
class Summary:
    """Counts of a run; bytes are of the files that this run wrote, `copied` are other files."""

    done: int = 0
    kept: int = 0
    skipped: int = 0
    failed: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    copied: int = 0

    def add(self, result: Result) -> None:
        """Count one more file."""
        setattr(self, result.state, getattr(self, result.state) + 1)
        if result.state in ("done", "kept"):
            self.bytes_before += result.item.size
            self.bytes_after += result.bytes_after

    @property
    def total(self) -> int:
        """Files looked at, but for others."""
        return self.done + self.kept + self.skipped + self.failed
