"""`isthmus.encode` and `isthmus.encode_file`: at a quality, or to a target that chooses the quality."""

from collections.abc import Mapping
from pathlib import Path

from isthmus.codec import DEFAULT_QUALITY, SUFFIX, Codec, Depth, ModelLike
from isthmus.effort import Effort
from isthmus.errors import InputError
from isthmus.files import atomic_output, beside
from isthmus.image.picture import Layers, PictureLike
from isthmus.media import medium_of
from isthmus.medium.protocol import Content
from isthmus.rate_control import Kind, Target, encode_to_target
from isthmus.tune import TuneLike

TARGETS: dict[str, Kind] = {
    "target_bytes": "bytes",
    "target_bpp": "bpp",
    "target_kbps": "kbps",
    "target_psnr": "psnr",
    "target_ssimulacra2": "ssimulacra2",
}
"""The names of arguments, and what each asks for."""


def encode(
    image: PictureLike | Content,
    quality: float | None = None,
    strip: bool = False,
    effort: Effort = 1,
    model: ModelLike = None,
    *,
    target_bytes: float | None = None,
    target_bpp: float | None = None,
    target_kbps: float | None = None,
    target_psnr: float | None = None,
    target_ssimulacra2: float | None = None,
    max_side: int | None = None,
    depth: Depth | None = None,
    tune: TuneLike | None = None,
    lossless: bool = False,
    layers: Layers | None = None,
    rate: int | None = None,
) -> bytes:
    """Compress a picture or a sound to the bytes of an .isth file, at a quality or to a target that chooses it.

    Arguments:
        image: a Pillow image, or uint8 of shape (H, W), (H, W, 1 to 4): grey, grey and alpha, RGB, RGB and alpha;
            uint16 with depth=8. Of a sound, its samples (n,) or (n, 1 to 8): float32 around -1..1, int16, or int32 of
            full scale.
        quality: 0 to 100, continuous. 50 is high quality, and what None means; larger is better, and takes more bytes.
        strip: leave ICC, EXIF and XMP out; the colours become those of sRGB first.
        effort: 1 to 4: the higher, the slower, and the better pictures look for the same bytes.
        model: the weights: "best" (the default) or "fast", another installed model's name, a model file, or a `Model`.
        target_bytes: at most so many bytes, and nearly as many.
        target_bpp: at most so many bits per pixel.
        target_kbps: at most so many kilobits a second, of a sound.
        target_psnr: at least so many dB of PSNR, and hardly more.
        target_ssimulacra2: at least so many points of SSIMULACRA2, and hardly more.
        max_side: reduce a larger picture to so many pixels in width and height, in proportion.
        depth: 8 to reduce deeper samples to 8 bits a channel by rounding; None to refuse them.
        tune: what the bytes are spent on, of models that have this dial: "psnr" for the least squared error, "eye",
            which None means, for what eyes see, or 0 to 1 between them.
        lossless: keep all samples as they are, those under full transparency and palettes too: same samples, same mode.
            It takes neither quality nor target nor model.
        layers: "photo" for networks alone, "sharp" for what is made for text, line art and screenshots, "auto", or
            None, for what is best where.
        rate: of a sound, samples a second.

    Returns:
        The file, which `decode` and `decode_image` take.

    Raises:
        InputError: an argument is outside its range, the array has another shape, no quality reaches the target, or the
            model has no dial for the tune.
        UnsupportedPictureError: the picture has more than 8 bits a channel, and depth is not 8.
        LimitExceededError: it has more pixels than `Limits` allows.
        ModelError, UnknownModelError: there are no such weights.
        SelfCheckError: what was encoded does not decode; nothing is returned.

    Example:
        >>> data = isthmus.encode(Image.open("photo.jpg"), quality=60)  # doctest: +SKIP
        >>> Path("photo.isth").write_bytes(data)                        # doctest: +SKIP
        >>> small = isthmus.encode(array, target_bytes=50_000)          # doctest: +SKIP
        >>> sound = isthmus.encode(samples, rate=44_100, target_kbps=64)    # doctest: +SKIP
    """
    codec = Codec(model, effort=effort)
    target = one_target(
        {
            "target_bytes": target_bytes,
            "target_bpp": target_bpp,
            "target_kbps": target_kbps,
            "target_psnr": target_psnr,
            "target_ssimulacra2": target_ssimulacra2,
        },
        quality,
        lossless,
    )
    content = medium_of(image).content(image, codec.limits, {"depth": depth, "layers": layers, "rate": rate})
    return encode_content(codec, content, quality, target, strip, max_side, tune, lossless)


def encode_file(
    source: str | Path,
    target: str | Path | None = None,
    quality: float | None = None,
    strip: bool = False,
    force: bool = False,
    effort: Effort = 1,
    model: ModelLike = None,
    *,
    target_bytes: float | None = None,
    target_bpp: float | None = None,
    target_kbps: float | None = None,
    target_psnr: float | None = None,
    target_ssimulacra2: float | None = None,
    max_side: int | None = None,
    depth: Depth | None = None,
    tune: TuneLike | None = None,
    lossless: bool = False,
    layers: Layers | None = None,
) -> Path:
    """Compress a picture or sound file to an .isth file, at a quality or to a target that chooses the quality.

    Arguments:
        source: a file of any format that Pillow reads, or a sound of any that soundfile does.
        target: the file to write; by default the same name with the suffix .isth. It appears whole or not at all.
        quality: 0 to 100, continuous. 50 is high quality, and what None means; larger is better, and takes more bytes.
        strip: leave ICC, EXIF and XMP out; the colours become those of sRGB first.
        force: replace what is there.
        effort: 1 to 4: the higher, the slower, and the better pictures look for the same bytes.
        model: the weights: "best" (the default) or "fast", another installed model's name, a model file, or a `Model`.
        target_bytes: at most so many bytes, and nearly as many.
        target_bpp: at most so many bits per pixel.
        target_kbps: at most so many kilobits a second, of a sound.
        target_psnr: at least so many dB of PSNR, and hardly more.
        target_ssimulacra2: at least so many points of SSIMULACRA2, and hardly more.
        max_side: reduce a larger picture to so many pixels in width and height, in proportion.
        depth: 8 to reduce deeper samples to 8 bits a channel by rounding; None to refuse them.
        tune: what the bytes are spent on, of models that have this dial: "psnr" for the least squared error, "eye",
            which None means, for what eyes see, or 0 to 1 between them.
        lossless: keep all samples as they are, those under full transparency and palettes too: same samples, same mode.
            It takes neither quality nor target nor model.
        layers: "photo" for networks alone, "sharp" for what is made for text, line art and screenshots, "auto", or
            None, for what is best where.

    Returns:
        The new file's path.

    Raises:
        InputError: the file is no picture, an argument is outside its range, no quality reaches the target, or the
            model has no dial for the tune.
        UnsupportedPictureError: the picture has more than 8 bits a channel, and depth is not 8, or several frames.
        LimitExceededError: it has more pixels than `Limits` allows.
        ModelError, UnknownModelError: there are no such weights.
        OutputExistsError: the target is there already.
        SelfCheckError: what was encoded does not decode; nothing is written.
        MissingExtraError: a HEIC picture or a sound, and what reads it is not installed.
        OSError: a file cannot be read or written.

    Example:
        >>> isthmus.encode_file("photo.jpg", quality=60)                # doctest: +SKIP
        PosixPath('photo.isth')
    """
    source = Path(source)
    path = Path(target) if target is not None else beside(source, SUFFIX)
    codec = Codec(model, effort=effort)
    aim = one_target(
        {
            "target_bytes": target_bytes,
            "target_bpp": target_bpp,
            "target_kbps": target_kbps,
            "target_psnr": target_psnr,
            "target_ssimulacra2": target_ssimulacra2,
        },
        quality,
        lossless,
    )
    with atomic_output(path, force) as stream:
        content = codec.open_file(source, {"depth": depth, "layers": layers})
        stream.write(encode_content(codec, content, quality, aim, strip, max_side, tune, lossless))
    return path


def one_target(values: Mapping[str, float | None], quality: float | None, lossless: bool = False) -> Target | None:
    """The target that is asked for by the names of `TARGETS`, if any.

    Raises:
        InputError: two of them, or one beside a quality, or either of a lossless file; or a value that means nothing.
    """
    given = {name: value for name, value in values.items() if value is not None}
    names = [*given, *(["quality"] if quality is not None else [])]
    if lossless and names:
        raise InputError(
            "a lossless file is as large as it must be", expected="lossless alone", got=" and ".join(names)
        )
    if given and len(names) > 1:
        raise InputError("a target chooses the quality", expected="one of them", got=" and ".join(names))
    return next((Target(TARGETS[name], value) for name, value in given.items()), None)


def encode_content(
    codec: Codec,
    content: Content,
    quality: float | None,
    target: Target | None,
    strip: bool = False,
    max_side: int | None = None,
    tune: TuneLike | None = None,
    lossless: bool = False,
) -> bytes:
    """The bytes of an .isth file; arguments as of :func:`encode`."""
    options = {"strip": strip, "max_side": max_side, "lossless": lossless}
    content = medium_of(content).content(content, codec.limits, options)
    if target is not None:
        return encode_to_target(codec, content, target, tune).data
    return codec.encode(content, DEFAULT_QUALITY if quality is None else quality, tune=tune)
