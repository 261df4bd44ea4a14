"""A model of sounds that nobody has trained."""

import pytest

import sounds
from isthmus.codec import Codec
from isthmus.model.model import Model


@pytest.fixture(scope="session")
def sound_model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return sounds.write_model(tmp_path_factory.mktemp("model") / "untrained.isthmodel")


@pytest.fixture(scope="session")
def sound_codec(sound_model: Model) -> Codec:
    return Codec(sound_model, threads=1)
