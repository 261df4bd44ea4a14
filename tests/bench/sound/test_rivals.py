"""Rivals of sounds: what each gives back, and what is said of one whose library is not here."""

import importlib.util
import sys

import numpy as np
import pytest

from isthmus.bench.rivals import absence, choose
from isthmus.bench.sound.clip import Clip, laid_on
from isthmus.bench.sound.metrics import snr
from isthmus.bench.sound.rivals import RIVALS
from isthmus.errors import InputError
from sounds import chord

CLIPS = [Clip(chord(30_000, 2), 44_100), Clip(chord(8000, 1, 8000), 8000)]
LOSSY = [name for name, rival in RIVALS.items() if not rival.lossless]


@pytest.mark.parametrize("clip", CLIPS)
def test_flac_is_without_loss(clip: Clip) -> None:
    whole = Clip(np.asarray(np.rint(clip.samples * 2**15) / 2**15, np.float32), clip.rate)
    back = RIVALS["flac"].decode(RIVALS["flac"].encode(whole, 100, 1), 1)
    assert back.rate == whole.rate
    assert np.array_equal(back.samples, whole.samples)
    # What has more than 16 bits keeps 24 of them.
    deep = RIVALS["flac"].decode(RIVALS["flac"].encode(clip, 100, 1), 1)
    assert np.abs(deep.samples - clip.samples).max() <= 2**-23


@pytest.mark.parametrize("name", LOSSY)
@pytest.mark.parametrize("clip", CLIPS)
def test_lossy_codecs_come_back_on_the_original_or_say_what_is_missing(name: str, clip: Clip) -> None:
    rival = RIVALS[name]
    if importlib.util.find_spec("av") is None:
        assert 'pip install "isthmus[sound-bench]"' in (absence(rival) or "")
        return
    assert absence(rival) is None
    small, large = (rival.encode(clip, quality, 1) for quality in (16, 48))
    assert len(small) < len(large)
    assert snr(clip, laid_on(clip, rival.decode(large, 1))) > 10


def test_choosing_names_what_is_not_here_and_refuses_what_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    present, absent = choose(list(RIVALS), RIVALS)
    assert [rival.name for rival in present] == ["flac"]
    assert [label for label, _ in absent] == ["Opus", "AAC", "MP3"]
    with pytest.raises(InputError, match="unknown codec"):
        choose(["jpeg"], RIVALS)
