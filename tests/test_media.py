"""The table of media, and which of them a name, an object and a file belong to."""

import numpy as np
import pytest

from isthmus.errors import ModelError
from isthmus.media import MEDIA, all_media, check_model, medium_of, medium_of_name
from isthmus.model.model import Model


def test_numbers_are_the_media_s_own() -> None:
    assert {number: load().id for number, load in MEDIA.items()} == {number: number for number in MEDIA}
    assert len({medium.name for medium in all_media()}) == len(MEDIA)


def test_names_of_pictures() -> None:
    found = medium_of_name("a/b.JPG")
    assert found is not None
    assert found.name == "picture"
    for name in ("a/.b.jpg", "b.txt", "jpg", "b.H5", "clip.MPG", "b.pdf", ""):
        assert medium_of_name(name) is None, name


def test_what_is_of_no_other_medium_is_for_pictures() -> None:
    assert medium_of(np.zeros((2, 2), np.uint8)).name == medium_of("a name").name == "picture"


def test_models_of_an_unknown_medium_or_coder_are_refused() -> None:
    for metadata, match in (
        ({"medium": 99}, "medium that is unknown.*got 99"),
        ({"medium": 1, "coder": 99}, "coder 2, got.*coder 99"),
    ):
        with pytest.raises(ModelError, match=match):
            check_model(Model(bytes(8), "later", metadata, {}))
