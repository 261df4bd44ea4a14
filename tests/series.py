"""A second medium, complete: series of 16-bit integers, coded by an entropy model of its own.

Files `.series` hold the samples as they are, little-endian. Four samples are a position of a plane of height 1; 256
positions are a segment with a payload of its own. What tests register it with is all that a new medium needs: a
row in the table of media and, for its entropy model, one in the table of kinds.
"""

import io
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np
import pytest
import torch

from isthmus.bitstream import envelope
from isthmus.bitstream.chunks import ChunkTypes
from isthmus.bitstream.head import Head, check_range, pack_head
from isthmus.bitstream.limits import FileLimits
from isthmus.coding.boards import Board
from isthmus.coding.definition import Block, Definition, Input, Neighbourhood, Pass
from isthmus.coding.formats import BYTES, Format
from isthmus.coding.kinds import KINDS, Kind
from isthmus.coding.payload import decode_latents, encode_latents
from isthmus.coding.symbols import Importance
from isthmus.effort import Effort
from isthmus.errors import InputError, ModelError
from isthmus.files import read_capped
from isthmus.media import MEDIA
from isthmus.medium.protocol import NONE, FindModel, Options, Progress, Rate, Saved, refuse_cut, refuse_options
from isthmus.medium.setting import Setting
from isthmus.model.check import check_spec
from isthmus.model.file import FORMAT, save_model
from isthmus.model.model import Model
from isthmus.quality import Quality
from isthmus.train.context import ContextModel
from isthmus.train.context_arrays import compand_table, context_arrays
from isthmus.train.tables import laplace_tables

NUMBER = 200
SEGMENT = 256
PER_POSITION = 4
GROUPS = (2, 2)
PAST = Neighbourhood("past.near", (1, 7), highpass=(1, 5))
FIRST = Board(((0, 3, 2, 3, 1, 3, 2, 3),))
SECOND = Board(((0, 2, 1),))
CHUNKS = ChunkTypes({}, {b"S": "segment"})
FIELDS = struct.Struct("<QH8s")


def definition(groups: tuple[int, ...], points: int, widths: tuple[int, ...], form: Format) -> Definition:
    """Four passes over the first group by its neighbours on either side, three over each other."""
    n = groups[0]
    first = Input("first", PAST.taps * (n + 1))
    passes = [
        Pass(f"low.{phase}", 0, 0, n, FIRST, phase, PAST, widths[0], "first", (first,), ()) for phase in FIRST.phases
    ]
    for group, channels in enumerate(groups[1:], 1):
        before = sum(groups[:group])
        for phase in SECOND.phases:
            own = (Input("own", 2 * channels),) if phase else ()
            inputs = (Input("known", 2 * before), *own)
            blocks = (Block("along", (1, 3)),)
            name = f"high.{group}.{phase}"
            passes.append(Pass(name, group, before, channels, SECOND, phase, None, widths[1], "enter", inputs, blocks))
    return Definition("series", groups, points, tuple(passes), form, prefix="series.")


KIND = Kind(definition, ("series.low.0.quality", "series.high.1.0.quality"), least_groups=2)


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two rows."""
    monkeypatch.setitem(KINDS, "series", KIND)
    monkeypatch.setitem(MEDIA, NUMBER, SeriesMedium)


def write_model(path: Path) -> Model:
    """A model file with networks that nobody has trained; the kind must be registered."""
    torch.manual_seed(0)
    networks = ContextModel(definition(GROUPS, 2, (8, 16), BYTES))
    arrays = networks.definition.stored(context_arrays(networks))
    arrays |= {"tables": laplace_tables().pack().astype(np.int32), "compand": compand_table(BYTES)}
    arrays["gain"] = np.ones(1, np.float32)
    metadata = {"definition": "series", "numbers": "bytes", "groups": list(GROUPS), "points": 2, "medium": NUMBER}
    return save_model(path, arrays, {"format": FORMAT, "name": path.stem, **metadata})


@dataclass(frozen=True)
class Series:
    """Samples (n,) int16."""

    samples: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        return {"samples": len(self.samples)}

    def rate(self, size: int) -> Rate:
        return Rate("bits_per_sample", 8 * size / len(self.samples), "bits per sample")


@dataclass(frozen=True)
class SeriesInfo:
    samples: int
    quality: float
    model_id: str
    bytes: int
    tune: float | None = None

    @property
    def facts(self) -> dict[str, Any]:
        return {"samples": self.samples}

    @property
    def extent(self) -> str:
        return f"{self.samples} samples"

    @property
    def lossless(self) -> bool:
        return False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> str:
        return f"{self.extent}, quality {self.quality:g}, model {self.model_id}"


@dataclass(frozen=True)
class Parsed:
    info: SeriesInfo
    payloads: list[memoryview]


@dataclass(frozen=True)
class SeriesDecoder:
    parsed: Parsed
    setting: Setting

    def decode(self, box: tuple[int, int] | None = None, progress: Progress | None = None) -> np.ndarray:
        """All samples, or those from..to of a window."""
        size, parts = self.parsed.info.samples, []
        for index, payload in enumerate(self.parsed.payloads):
            positions = -(-min(size - index * SEGMENT * PER_POSITION, SEGMENT * PER_POSITION) // PER_POSITION)
            entropy, quality = self.setting.model.entropy, self.setting.quality.hundredths
            latents = decode_latents(entropy, bytes(payload), 1, positions, quality)
            parts.append(np.clip(np.rint(latents.reshape(-1)), -(2**15), 2**15 - 1).astype(np.int16))
            if progress:
                progress(index + 1, len(self.parsed.payloads))
        return np.concatenate(parts)[:size][slice(*(box or (None,)))]

    def verify(self, progress: Progress | None = None) -> None:
        self.decode(None, progress)


class SeriesMedium:
    """See `isthmus.medium.protocol.Medium`."""

    id = NUMBER
    name = "series"
    default_model = "series"
    default_suffix = ".series"

    def suffixes(self) -> tuple[str, ...]:
        return (".series",)

    def is_source(self, suffix: str) -> bool:
        return suffix in self.suffixes()

    def recognises(self, front: bytes) -> bool:
        return front.startswith(b"SERIES")

    def takes(self, thing: object) -> bool:
        return isinstance(thing, Series)

    def content(self, thing: Series, limits: FileLimits, options: Options = NONE) -> Series:
        refuse_options(options, ("strip",), self.name)
        return thing

    def why_unread(self, suffix: str) -> str:
        return ""

    def open(self, source: Path | BinaryIO, limits: FileLimits, options: Options = NONE) -> Series:
        refuse_options(options, ("strip",), self.name)
        stream = io.BytesIO(source.read_bytes()) if isinstance(source, Path) else source
        data = read_capped(stream, limits.max_file_bytes, "the series")
        if len(data) % 2 or not data:
            raise InputError("the series", expected="two bytes a sample", got=len(data))
        return Series(np.frombuffer(data, "<i2"))

    def facts_of(self, stream: BinaryIO, limits: FileLimits) -> dict[str, Any]:
        return {"samples": stream.seek(0, io.SEEK_END) // 2}

    def encode(
        self,
        content: Series,
        setting: Setting,
        limits: FileLimits,
        effort: Effort = 1,
        progress: Progress | None = None,
    ) -> bytes:
        self.check_model(setting.model)
        fields = FIELDS.pack(len(content.samples), setting.quality.hundredths, setting.model.id)
        padded = np.pad(content.samples, (0, -len(content.samples) % PER_POSITION), mode="edge")
        y = padded.reshape(1, -1, PER_POSITION).astype(np.float32)
        parts = [y[:, begin : begin + SEGMENT] for begin in range(0, y.shape[1], SEGMENT)]
        entropy, quality = setting.model.entropy, setting.quality.hundredths
        # Every error costs more than any symbol.
        payloads = (encode_latents(entropy, part, quality, Importance(np.full(part.shape[:2], 1e6))) for part in parts)
        return envelope.assemble(pack_head(NUMBER, 1, 0, fields), CHUNKS, {}, {b"S": payloads})

    def check_model(self, model: Model) -> None:
        if (model.medium, model.coder) != (NUMBER, 1):
            raise ModelError(f"model {model.name} is not for series", expected=NUMBER, got=model.medium)
        check_spec(model, {"gain": ("float32", (1,))})

    def has_tune(self, model: Model) -> bool:
        return False

    def parse(self, head: Head, data: bytes, limits: FileLimits) -> Parsed:
        head.check_coder((1,))
        head.check_features(0)
        check_range("length", len(head.fields), FIELDS.size, 2**16 - 1)
        samples, quality, model_id = FIELDS.unpack_from(head.fields)
        check_range("samples", samples, 1, 2**31)
        counts = {b"S": -(-samples // (SEGMENT * PER_POSITION))}
        found = envelope.parse(data, head.size, CHUNKS, counts, limits)
        return Parsed(SeriesInfo(samples, quality / 100, model_id.hex(), len(data)), found.payloads[b"S"])

    def info(self, parsed: Parsed) -> SeriesInfo:
        return parsed.info

    def decoder(self, parsed: Parsed, find_model: FindModel, threads: int | None) -> SeriesDecoder:
        model = find_model(bytes.fromhex(parsed.info.model_id))
        self.check_model(model)
        return SeriesDecoder(parsed, Setting(model, Quality.of(parsed.info.quality), threads))

    def decoder_of_cut(
        self, head: Head, data: bytes, limits: FileLimits, find_model: FindModel, threads: int | None
    ) -> NoReturn:
        refuse_cut(self.name)

    def format_of(self, name: Path) -> str:
        if name.suffix not in self.suffixes():
            raise InputError(f"no series format for {name.name}", expected=".series", got=name.suffix)
        return "SERIES"

    def has_quality(self, format_name: str) -> bool:
        return False

    def save(
        self,
        decoder: SeriesDecoder,
        stream: BinaryIO,
        format_name: str,
        options: Options,
        progress: Progress | None = None,
    ) -> Saved:
        refuse_options(options, ("strip",), self.name)
        samples = decoder.decode(None, progress)
        stream.write(samples.astype("<i2").tobytes())
        return Saved(f"{len(samples)} samples", {"samples": len(samples)})

    def may_be_source(self, stream: BinaryIO, info: SeriesInfo, options: Options, limits: FileLimits) -> bool:
        return len(self.open(stream, limits).samples) == info.samples

    def may_be_restored(self, stream: BinaryIO, info: SeriesInfo, options: Options, limits: FileLimits) -> bool:
        return len(stream.read()) == 2 * info.samples
