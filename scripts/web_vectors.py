"""Write web/isthmus-js/test: what Python makes of files, whole and damaged, for JavaScript to agree with.

Latents by their hash, pixels as they are, the kinds of errors by their names. Run it when the models of the package or
the format change.
"""

import base64
import hashlib
import json
import random
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from safetensors import SafetensorError
from safetensors.numpy import load
from skimage import data

import isthmus
from isthmus.bitstream.chunks import CRC
from isthmus.bitstream.head import parse_head
from isthmus.bitstream.varint import read_varint
from isthmus.coding.formats import SCALES
from isthmus.coding.kinds import TUNED
from isthmus.coding.payload import CHECK_BYTES, decode_sixteenths
from isthmus.coding.range_coder import ESCAPE_LIMIT, SymbolEncoder
from isthmus.coding.symbols import MARKED, TRELLIS, by_channel, is_coded
from isthmus.coding.tables import Tables, counts_from_frequencies
from isthmus.coding.trellis import FIRST_SCALE, TRELLIS_TABLES, Trellis, residuals
from isthmus.errors import CorruptError, IsthmusError
from isthmus.image.av1 import check_av1, encode_av1
from isthmus.image.coders.table import NO_CODER
from isthmus.image.container import Container, parse
from isthmus.image.vp8l import decode_vp8l, encode_vp8l
from isthmus.media import DEFAULT
from isthmus.model.model import Model
from isthmus.model.registry import find_model, releases

ROOT = Path(__file__).parent.parent
VECTORS = ROOT / "web" / "isthmus-js" / "test" / "vectors"
GOLDEN = ROOT / "tests" / "golden"
FAST = "fast"
DAMAGED = 60
"""Of each file."""
SMALLER = (2, 4, 8, 16)
BITSTREAMS = VECTORS.parent / "bitstreams.json"
BITSTREAMS_OF = ("matte", "palette", "letters", "noise")
"""The pictures that parts are damaged of."""
MODEL_FILES = VECTORS.parent / "model-files.json"
TRELLISES = VECTORS.parent / "trellises.json"
SKIPPED = (0, 4, 20)
"""How many scale indices are: also such whose symbols are of a trellis."""
PASSES = ((1, 1), (7, 3), (90, 2), (40, 16))
"""Positions and channels of each pass of a payload."""
OBUS = VECTORS.parent / "obus.json"
"""AV1 whose headers are damaged."""


def pictures() -> dict[str, tuple[Image.Image, dict[str, Any]]]:
    """Pictures by name, with the options that they are encoded with."""
    astronaut = Image.fromarray(data.astronaut())
    text = Image.new("RGB", (160, 96), "white")
    draw = ImageDraw.Draw(text)
    for row in range(8):
        draw.text((4, 12 * row), "Sharp letters 0123456789", "black")
    both = Image.fromarray(data.astronaut()[:128, 150:310])
    both.paste(text.crop((0, 0, 160, 64)), (0, 0))
    matte = astronaut.crop((150, 0, 250, 80))
    matte.putalpha(Image.linear_gradient("L").resize(matte.size))
    wide = np.concatenate([data.astronaut()[:96]] * 2 + [data.astronaut()[:96, :76]], 1)
    noise = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    return {
        "tiles": (Image.fromarray(wide), {"model": FAST}),
        "grey": (astronaut.crop((100, 0, 260, 120)).convert("L"), {"model": FAST, "quality": 80}),
        "psnr": (astronaut.crop((180, 60, 310, 190)), {"model": FAST, "tune": "psnr", "quality": 20}),
        "layers": (both, {"model": FAST}),
        "lossless": (astronaut.crop((150, 0, 250, 80)), {"lossless": True}),
        "matte": (matte, {"lossless": True}),
        "grey-matte": (matte.convert("LA"), {"lossless": True}),
        "palette": (astronaut.crop((150, 0, 250, 80)).quantize(64), {"lossless": True}),
        "few-colours": (text.quantize(2), {"lossless": True}),
        "letters": (text, {"lossless": True}),
        "noise": (Image.fromarray(noise), {"lossless": True}),
    }


def spans(file: bytes, header: int) -> list[tuple[int, int]]:
    """(begin, end) of what each CRC-32 covers, which stands behind it."""
    found, at = [(0, header - CRC.size)], header
    while at < len(file):
        length, start = read_varint(memoryview(file), at + 1)
        found.append((at, start + length))
        at = start + length + CRC.size
    return found


def damage(file: bytes, header: int, seed: int) -> list[dict[str, Any]]:
    """Cuts, changed bytes, and changed bytes whose CRC-32 was made to fit."""
    rng = random.Random(seed)
    found: list[dict[str, Any]] = []
    for number in range(DAMAGED):
        at, bits = rng.randrange(len(file)), rng.randrange(1, 256)
        if number % 3 == 0:
            found.append({"cut": at})
        elif number % 3 == 1:
            found.append({"at": at, "xor": bits})
        else:
            begin, end = rng.choice(spans(file, header))
            found.append({"at": rng.randrange(begin, end), "xor": bits, "begin": begin, "end": end})
    return found


def damaged(file: bytes, how: dict[str, Any]) -> bytes:
    if "cut" in how:
        return file[: how["cut"]]
    out = bytearray(file)
    out[how["at"]] ^= how["xor"]
    if "end" in how:
        CRC.pack_into(out, how["end"], zlib.crc32(out[how["begin"] : how["end"]]))
    return bytes(out)


def outcome(file: bytes) -> str:
    """The kind of error, or nothing."""
    try:
        isthmus.decode_image(file)
    except IsthmusError as error:
        return type(error).__name__
    return ""


def latents(parsed: Container, model: Model) -> list[str]:
    header = parsed.header
    dials = header.quality.hundredths, header.tune.hundredths if header.tune else 0
    hashes = []
    for index in range(header.grid.count):
        box = header.grid.latent_box(index)
        found = decode_sixteenths(model.entropy, parsed.tile(index), box.height, box.width, *dials)
        hashes.append(hashlib.sha256(found.tobytes()).hexdigest())
    return hashes


def bitstreams() -> list[dict[str, Any]]:
    """Damaged lossless WebP, without anything around it that would notice, and what libwebp makes of it.

    Bytes are cut off, as a bitstream of odd length is read with a zero behind it, and changed.
    """
    rng, found = random.Random(0), []
    for name in BITSTREAMS_OF:
        image, _ = pictures()[name]
        for left in (0, 5):
            part = image.crop((left, 3, left + 17, 3 + 12 + left))
            whole = encode_vp8l(part.convert("RGBA" if name == "matte" else "RGB"), 100, 6)
            streams = [whole, *(whole[:-cut] for cut in (1, 2, 3))]
            # Says that no pixel is transparent.
            streams.append(whole[:4] + bytes([whole[4] & ~0x10]) + whole[5:])
            for _ in range(DAMAGED // 3):
                changed = bytearray(whole)
                for _ in range(rng.randrange(1, 3)):
                    changed[rng.randrange(5, len(changed))] ^= 1 << rng.randrange(8)
                streams.append(bytes(changed))
            found += [bitstream_row(stream, part.height, part.width) for stream in streams]
    # One pixel of five codes of one symbol, with a cache of colours of 1 and of 0 bits.
    for cache in ("1", "0"):
        bits = "0" * 28 + "0" + "000" + "0" + "1" + f"{cache}000" + "0" + "1000" * 5
        number = int(bits[::-1], 2)
        found.append(bitstream_row(b"\x2f" + number.to_bytes(-(-len(bits) // 8), "little"), 1, 1))
    return found


def bitstream_row(bitstream: bytes, height: int, width: int) -> dict[str, Any]:
    row = {"bitstream": base64.b64encode(bitstream).decode(), "height": height, "width": width}
    try:
        image = decode_vp8l(bitstream, height, width, "it").convert("RGBA")
    except CorruptError:
        return {**row, "pixels": ""}
    return {**row, "pixels": hashlib.sha256(image.tobytes()).hexdigest()}


def obus() -> list[dict[str, Any]]:
    """Small AV1 pictures with each bit of their headers and some of their frames changed, and what Python says."""
    rows = []
    for width, height in ((19, 17), (70, 33)):
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
        whole = encode_av1(pixels, 0)
        # Both OBUs' heads, the sequence header, and the beginning of the frame's.
        for bit in range(-1, 8 * (2 + whole[1] + 4)):
            changed = bytearray(whole)
            if bit >= 0:
                changed[bit // 8] ^= 128 >> bit % 8
            rows.append(obus_row(bytes(changed), height, width))
        # Colours whose range is not coded: what follows moves by a bit.
        bits = "".join(f"{byte:08b}" for byte in whole)
        described, range_and_more = f"{1:08b}{13:08b}{6:08b}", "100"
        assert bits.count(described + range_and_more) == 1
        for more in ("100", "110", "010"):
            other = bits.replace(described + range_and_more, f"{1:08b}{13:08b}{0:08b}{more}")
            rows.append(obus_row(int(other, 2).to_bytes(len(whole)), height, width))
        rows += [obus_row(whole[:end], height, width) for end in (0, 1, 2, whole[1] + 2, len(whole) - 1)]
    return rows


def obus_row(data: bytes, height: int, width: int) -> dict[str, Any]:
    """`error`: why no decoder is asked, nothing where one is."""
    row = {"obus": base64.b64encode(data).decode(), "height": height, "width": width}
    try:
        check_av1(data, height, width, "it")
    except CorruptError as error:
        return {**row, "error": error.what}
    return {**row, "error": ""}


def model_files() -> list[dict[str, Any]]:
    """Files of two or three arrays that lie where a model file's may lie, or not, and which Python finds in them."""
    layouts: dict[str, tuple[int, dict[str, Any]]] = {
        "one after the other": (12, {"a": array(0, 4), "b": array(4, 12, "F32", 2)}),
        "the last first": (12, {"b": array(4, 12, "F32", 2), "a": array(0, 4)}),
        "nothing at the end": (4, {"a": array(0, 4), "b": array(4, 4)}),
        "nothing at the beginning": (4, {"a": array(0, 4), "b": array(0, 0)}),
        "numbers that are not aligned": (9, {"a": array(0, 1), "b": array(1, 9, "F32", 2)}),
        "the same bytes": (4, {"a": array(0, 4), "b": array(0, 4)}),
        "bytes in common": (6, {"a": array(0, 4), "b": array(2, 6)}),
        "one in another": (8, {"a": array(0, 8), "b": array(2, 4), "c": array(4, 8)}),
        "nothing in the middle": (4, {"a": array(0, 4), "b": array(2, 2)}),
        "bytes before": (6, {"a": array(2, 6)}),
        "bytes between": (8, {"a": array(0, 2), "b": array(4, 8)}),
        "bytes behind": (6, {"a": array(0, 4)}),
        "beyond the end": (4, {"a": array(0, 8)}),
        "backwards": (4, {"a": array(0, 4), "b": array(4, 2)}),
        "fewer bytes than numbers": (4, {"a": array(0, 4, "F32", 2)}),
        "more bytes than numbers": (8, {"a": array(0, 8, "F32", 1)}),
        "a third offset": (4, {"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4, 4]}}),
        "one offset": (4, {"a": {"dtype": "U8", "shape": [4], "data_offsets": [0]}}),
        "no offsets": (4, {"a": {"dtype": "U8", "shape": [4]}}),
        "half a byte": (4, {"a": {"dtype": "U8", "shape": [4], "data_offsets": [0.5, 4.5]}}),
        "a side below 0": (4, {"a": {"dtype": "U8", "shape": [-2, -2], "data_offsets": [0, 4]}}),
    }
    return [model_file_row(what, *layout) for what, layout in layouts.items()]


def array(begin: int, end: int, kind: str = "U8", count: int | None = None) -> dict[str, Any]:
    return {"dtype": kind, "shape": [end - begin if count is None else count], "data_offsets": [begin, end]}


def model_file_row(what: str, size: int, arrays: dict[str, Any]) -> dict[str, Any]:
    words = {"format": 1, "groups": [3, 4], "points": 2, "coder": 2, "definition": TUNED, "numbers": "bytes"}
    header = json.dumps({"__metadata__": {"isthmus": json.dumps(words)}, **arrays}).encode()
    file = len(header).to_bytes(8, "little") + header + bytes(range(1, size + 1))
    row = {"what": what, "file": base64.b64encode(file).decode()}
    try:
        found = load(file)
    except SafetensorError:
        return {**row, "arrays": None}
    return {**row, "arrays": {name: [arrays[name]["dtype"], found[name].tobytes().hex()] for name in sorted(found)}}


def trellises() -> dict[str, Any]:
    """Payloads of random symbols of a trellis and others, with marks, escapes and what is skipped, and what the symbols
    stand for, in sixteenths of a step."""
    rng = np.random.default_rng(0)
    radii = rng.integers(0, 4, SCALES + TRELLIS_TABLES)
    tables = Tables([counts_from_frequencies(rng.uniform(0.1, 1, 2 * radius + 2)) for radius in radii])
    own = Tables(tables.counts[:FIRST_SCALE] + tables.counts[SCALES:])
    return {"tables": tables.pack().tolist(), "rows": [trellis_row(rng, own, skipped) for skipped in SKIPPED]}


def trellis_row(rng: np.random.Generator, tables: Tables, skipped: int) -> dict[str, Any]:
    encoder, trellis, passes = SymbolEncoder(tables), Trellis(), []
    for count, channels in PASSES:
        scales = rng.integers(0, SCALES, (count, channels), np.uint8)
        marks = rng.random(count) < 0.2
        coded, indices = is_coded(scales, marks, skipped), by_channel(scales)
        symbols = np.where(coded, rng.integers(-5, 6, coded.shape), 0).astype(np.int32)
        symbols[coded & (rng.random(coded.shape) < 0.02)] = rng.choice([-ESCAPE_LIMIT, ESCAPE_LIMIT - 1])
        encoder.encode_marks(marks)
        encoder.encode(symbols, indices, coded)
        found = residuals(symbols, indices, trellis)
        passes.append({"scales": scales.tolist(), "values": found.reshape(channels, count).T.tolist()})
    payload = bytes(CHECK_BYTES) + bytes([MARKED | TRELLIS | skipped]) + encoder.finish()
    return {"skipped": skipped, "payload": base64.b64encode(payload).decode(), "passes": passes}


def packed(image: Image.Image) -> str:
    return base64.b64encode(zlib.compress(image.convert("RGBA").tobytes(), 9)).decode()


def expected(file: bytes, hows: list[dict[str, Any]]) -> dict[str, Any]:
    """What every machine makes of a file, and of it damaged in so many ways."""
    parsed = parse(file)
    photo = bool(parsed.tiles) and any(len(payload) for payload in parsed.tiles)
    return {
        "latents": latents(parsed, find_model(parsed.header.model_id)) if photo else [],
        "damaged": [{**how, "error": outcome(damaged(file, how))} for how in hows],
    }


def vector(name: str, file: bytes, seed: int) -> dict[str, Any]:
    parsed = parse(file)
    header, codec = parsed.header, isthmus.Codec()
    box = (header.width // 4, header.height // 4, max(1, header.width // 2), max(1, header.height // 2))
    image = codec.decode_image(file)
    return {
        "file": name,
        "pixels": packed(image),
        "scales": {str(scale): packed(codec.preview(file, scale)) for scale in SMALLER},
        "crop": {"box": box, "pixels": packed(codec.decode_image(file, box))},
        **expected(file, damage(file, parsed.header_bytes, seed)),
    }


def written() -> None:
    shutil.rmtree(VECTORS, ignore_errors=True)
    VECTORS.mkdir(parents=True)
    files = {f"{name}.isth": encoded(image, **options) for name, (image, options) in pictures().items()}
    for name, file in files.items():
        (VECTORS / name).write_bytes(file)
    golden = [path for path in sorted(GOLDEN.glob("*.isth")) if is_decoded(path)]
    files |= {f"../../../../tests/golden/{path.name}": path.read_bytes() for path in golden}
    for seed, (name, file) in enumerate(files.items()):
        path = VECTORS / f"{Path(name).stem}.json"
        path.write_text(json.dumps(vector(name, file, seed), indent=1) + "\n", encoding="utf-8")


def written_bitstreams() -> None:
    BITSTREAMS.write_text(json.dumps(bitstreams(), indent=1) + "\n", encoding="utf-8")


def written_model_files() -> None:
    MODEL_FILES.write_text(json.dumps(model_files(), indent=1) + "\n", encoding="utf-8")


def written_trellises() -> None:
    TRELLISES.write_text(json.dumps(trellises()) + "\n", encoding="utf-8")


def written_obus() -> None:
    OBUS.write_text(json.dumps(obus(), indent=1) + "\n", encoding="utf-8")


def is_decoded(path: Path) -> bool:
    """Whether the file is a picture that needs no model, or one of the package."""
    data = path.read_bytes()
    if parse_head(data).medium != DEFAULT:
        return False
    header = parse(data).header
    return header.coder == NO_CODER or header.model_id.hex() in releases()


def encoded(image: Image.Image, model: str | None = None, quality: float = 50, **options: Any) -> bytes:
    return isthmus.Codec(model).encode(image, quality, **options)


if __name__ == "__main__":
    written()
    written_bitstreams()
    written_model_files()
    written_trellises()
    written_obus()
