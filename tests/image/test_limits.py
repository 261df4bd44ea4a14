"""The limits of a picture, by their order and beside those of any file."""

from isthmus.bitstream.limits import FileLimits
from isthmus.image.limits import Limits


def test_the_limit_on_pixels_comes_first() -> None:
    assert Limits(1, 2, 3) == Limits(max_pixels=1, max_file_bytes=2, max_metadata_bytes=3)


def test_limits_that_say_nothing_of_pixels_have_the_usual_one() -> None:
    assert Limits.of(FileLimits(5, 6)) == Limits(Limits().max_pixels, 5, 6)
    own = Limits(7)
    assert Limits.of(own) is own
