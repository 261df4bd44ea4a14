"""`isthmus.encode` and `isthmus.encode_file`: at a quality, or to a target that chooses the quality."""

from collections.abc import Mapping
from pathlib import Path

from isthmus.codec import DEFAULT_QUALITY, SUFFIX, Codec, ModelLike
from isthmus.errors import InputError
from isthmus.files import atomic_output
from isthmus.image.files import open_picture
from isthmus.image.picture import Picture, PictureLike, as_picture
from isthmus.image.reduction import reduced_picture
from isthmus.rate_control import Kind, Target, encode_to_target

TARGETS: dict[str, Kind] = {
    "target_bytes": "bytes",
    "target_bpp": "bpp",
    "target_psnr": "psnr",
    "target_ssimulacra2": "ssimulacra2",
}
"""The names of arguments, and what each asks for."""


def encode(
    image: PictureLike,
    quality: float | None = None,
    strip: bool = False,
    effort: int = 1,
    model: ModelLike = None,
    *,
    target_bytes: float | None = None,
    target_bpp: float | None = None,
    target_psnr: float | None = None,
    target_ssimulacra2: float | None = None,
    max_side: int | None = None,
) -> bytes:
    """The bytes of an .isth file, at a quality or to a target.

    Arguments:
        image: a Pillow image, or (H, W), (H, W, 1..4) uint8: grey, grey+alpha, RGB, RGB+alpha.
        quality: 0 to 100, continuous; None for 50, or where there is a target.
        strip: leave ICC, EXIF and XMP out.
        effort: 1, or 2 for 1 to 2 % fewer bytes at equal PSNR in 2 to 3 times the time.
        model: a model, a model file, or the name of an installed model; None for "best".
        target_bytes: at most so many bytes, and nearly as many.
        target_bpp: at most so many bits per pixel.
        target_psnr: at least so many dB of PSNR, and hardly more.
        target_ssimulacra2: at least so many points of SSIMULACRA2, and hardly more; needs isthmus[bench].
        max_side: reduce a larger picture to so many pixels in width and height, in proportion.

    Raises:
        InputError: a value that means nothing, or a target that no quality reaches.
        UnsupportedPictureError, LimitExceededError, ModelError, SelfCheckError, MissingExtraError

    Example:
        >>> data = encode(array, target_bytes=50_000)                    # doctest: +SKIP
    """
    codec = Codec(model, effort=effort)
    target = one_target(
        {
            "target_bytes": target_bytes,
            "target_bpp": target_bpp,
            "target_psnr": target_psnr,
            "target_ssimulacra2": target_ssimulacra2,
        },
        quality,
    )
    return encode_picture(codec, as_picture(image, codec.limits), quality, target, strip, max_side)


def encode_file(
    source: str | Path,
    target: str | Path | None = None,
    quality: float | None = None,
    strip: bool = False,
    force: bool = False,
    effort: int = 1,
    model: ModelLike = None,
    *,
    target_bytes: float | None = None,
    target_bpp: float | None = None,
    target_psnr: float | None = None,
    target_ssimulacra2: float | None = None,
    max_side: int | None = None,
) -> Path:
    """Encode a picture file, by default to the same name with the suffix .isth; the new file's path.

    Arguments:
        source: any picture file that Pillow reads.
        target: the new file; None for the same name with the suffix .isth.
        force: overwrite it if it is there.
        quality, strip, effort, model, target_bytes, target_bpp, target_psnr, target_ssimulacra2, max_side: as of
            :func:`encode`.

    Raises:
        InputError, UnsupportedPictureError, LimitExceededError, OutputExistsError, OSError: as of :func:`encode`, and
            where a file cannot be read or written.
    """
    source = Path(source)
    path = Path(target) if target is not None else source.with_suffix(SUFFIX)
    codec = Codec(model, effort=effort)
    aim = one_target(
        {
            "target_bytes": target_bytes,
            "target_bpp": target_bpp,
            "target_psnr": target_psnr,
            "target_ssimulacra2": target_ssimulacra2,
        },
        quality,
    )
    with atomic_output(path, force) as stream:
        stream.write(encode_picture(codec, open_picture(source, codec.limits), quality, aim, strip, max_side))
    return path


def one_target(values: Mapping[str, float | None], quality: float | None) -> Target | None:
    """The target that is asked for by the names of `TARGETS`, if any.

    Raises:
        InputError: two of them, or one beside a quality; or a value that means nothing.
    """
    given = {name: value for name, value in values.items() if value is not None}
    names = [*given, *(["quality"] if quality is not None else [])]
    if given and len(names) > 1:
        raise InputError("a target chooses the quality", expected="one of them", got=" and ".join(names))
    return next((Target(TARGETS[name], value) for name, value in given.items()), None)


def encode_picture(
    codec: Codec,
    picture: Picture,
    quality: float | None,
    target: Target | None,
    strip: bool = False,
    max_side: int | None = None,
) -> bytes:
    """The bytes of an .isth file; arguments as of :func:`encode`."""
    if max_side is not None:
        picture = reduced_picture(picture, max_side)
    if target is not None:
        return encode_to_target(codec, picture, target, strip).data
    return codec.encode(picture, DEFAULT_QUALITY if quality is None else quality, strip)
