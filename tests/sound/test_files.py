"""Sound files: every format in and out, depths, tags and exact lengths, and what is refused."""

import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

import sounds
from isthmus.codec import Codec
from isthmus.errors import InputError, LimitExceededError, MissingExtraError
from isthmus.sound.files import open_sound
from isthmus.sound.limits import SoundLimits
from isthmus.sound.names import FORMATS, begins_like_sound


def write(path: Path, samples: np.ndarray | None = None, subtype: str | None = None, rate: int = 44_100) -> np.ndarray:
    """A sound file with two tags; the samples that are in it."""
    samples = sounds.chord(5000) if samples is None else samples
    with soundfile.SoundFile(path, "w", rate, samples.shape[1], subtype) as file:
        file.title, file.artist = "Chord", "Nobody"
        file.write(samples)
    return samples


@pytest.mark.parametrize(
    ("suffix", "subtype", "depth"),
    [
        (".wav", "PCM_16", "16-bit"),
        (".wav", "PCM_24", "24-bit"),
        (".wav", "PCM_32", "24-bit"),
        (".wav", "FLOAT", "float"),
        (".wav", "DOUBLE", "float"),
        (".wav", "PCM_U8", "16-bit"),
        (".wav", "ULAW", "16-bit"),
        (".flac", "PCM_16", "16-bit"),
        (".flac", "PCM_24", "24-bit"),
        (".aiff", "PCM_16", "16-bit"),
        (".aiff", "FLOAT", "float"),
        (".ogg", "VORBIS", "16-bit"),
        (".mp3", "MPEG_LAYER_III", "16-bit"),
    ],
)
def test_what_is_read(sound_codec: Codec, tmp_path: Path, suffix: str, subtype: str, depth: str) -> None:
    path = tmp_path / f"chord{suffix}"
    wanted = write(path, subtype=subtype)
    sound = open_sound(path, SoundLimits())
    assert (sound.depth, sound.layout.rate, sound.layout.channels) == (depth, 44_100, 2)
    exact = suffix != ".mp3"
    assert sound.layout.samples == soundfile.info(path).frames
    assert not exact or sound.layout.samples == 5000
    if subtype in ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"):
        np.testing.assert_allclose(sound.read(0, 5000) / 32768, wanted, atol=1 / 32768)
    # Pieces in any order are the same.
    whole = sound.read(0, sound.layout.samples)
    for start, stop in ((0, 100), (50, 2000), (1999, 2000), (2000, 5000), (0, 10)):
        np.testing.assert_allclose(sound.read(start, stop), whole[start:stop], atol=0 if exact else 300)


@pytest.mark.parametrize(
    ("suffix", "depth", "subtype", "note"),
    [
        (".wav", "16-bit", "PCM_16", ""),
        (".wav", "24-bit", "PCM_24", ""),
        (".wav", "float", "FLOAT", ""),
        (".flac", "16-bit", "PCM_16", ""),
        (".flac", "24-bit", "PCM_24", ""),
        (".flac", "float", "PCM_24", "the samples became PCM_24, of FLOAT"),
        (".aiff", "24-bit", "PCM_24", ""),
        (".ogg", "16-bit", "VORBIS", "the samples became VORBIS, of PCM_16"),
        (".mp3", "16-bit", "MPEG_LAYER_III", "the samples became MPEG_LAYER_III, of PCM_16"),
    ],
)
def test_what_is_written(sound_codec: Codec, tmp_path: Path, suffix: str, depth: str, subtype: str, note: str) -> None:
    source, encoded, target = tmp_path / "chord.wav", tmp_path / "chord.isth", tmp_path / f"back{suffix}"
    write(source, subtype={"16-bit": "PCM_16", "24-bit": "PCM_24", "float": "FLOAT"}[depth])
    sound_codec.encode_file(source, encoded, 90)
    if note:
        with pytest.warns(UserWarning, match=note):
            sound_codec.decode_file(encoded, target)
    else:
        sound_codec.decode_file(encoded, target)
    info = soundfile.info(target)
    assert (info.subtype, info.samplerate, info.channels) == (subtype, 44_100, 2)
    found, _ = soundfile.read(target, always_2d=True)
    decoded = sound_codec.decode(encoded.read_bytes())
    if suffix != ".mp3":
        assert len(found) == 5000
    if not note:
        np.testing.assert_allclose(found, decoded, atol=0.51 / 32768)
    with soundfile.SoundFile(target) as file:
        assert (file.title, file.artist) == ("Chord", "Nobody")
    assert sound_codec.inspect(encoded.read_bytes()).as_dict()["tags"] == {"title": "Chord", "artist": "Nobody"}


def test_tags_may_be_left_out(sound_codec: Codec, tmp_path: Path) -> None:
    write(tmp_path / "chord.flac")
    sound_codec.encode_file(tmp_path / "chord.flac", strip=True)
    assert sound_codec.inspect((tmp_path / "chord.isth").read_bytes()).as_dict()["tags"] == {}
    sound_codec.encode_file(tmp_path / "chord.flac", force=True)
    sound_codec.decode_file(tmp_path / "chord.isth", tmp_path / "bare.flac", strip=True)
    with soundfile.SoundFile(tmp_path / "bare.flac") as file:
        assert file.title == ""


def test_what_is_louder_than_full_scale_is_clipped(sound_codec: Codec, tmp_path: Path) -> None:
    loud = np.clip(sounds.chord(3000) * 20, -1, 0.999)
    write(tmp_path / "loud.wav", loud)
    sound_codec.encode_file(tmp_path / "loud.wav", quality=5)
    sound_codec.decode_file(tmp_path / "loud.isth", tmp_path / "back.wav")
    assert abs(sound_codec.decode((tmp_path / "loud.isth").read_bytes())).max() > 1
    found, _ = soundfile.read(tmp_path / "back.wav", dtype="int16")
    assert (found.max(), found.min()) == (32767, -32768)


def test_streams_may_be_closed(sound_codec: Codec, tmp_path: Path) -> None:
    write(tmp_path / "chord.wav")
    whole = open_sound(tmp_path / "chord.wav", SoundLimits()).read(0, 5000)
    with (tmp_path / "chord.wav").open("rb") as stream, io.BytesIO(stream.read()) as memory:
        stream.read(10)
        opened = [open_sound(one, SoundLimits()) for one in (stream, memory)]
    for sound in opened:
        np.testing.assert_array_equal(sound.read(0, 5000), whole)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF\x00\x00\x00\x00WAVEnothing", b"fLaC" + bytes(50), b"hello" * 20])
def test_files_that_are_no_sound(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "broken.wav").write_bytes(data)
    with pytest.raises(InputError, match=r"broken\.wav cannot be read as a sound|empty"):
        open_sound(tmp_path / "broken.wav", SoundLimits())


def test_a_file_that_ends_early(sound_codec: Codec, tmp_path: Path) -> None:
    write(tmp_path / "whole.flac", sounds.chord(60_000))
    data = (tmp_path / "whole.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"cut\.flac"):
        sound_codec.encode_file(tmp_path / "cut.flac")
    assert not (tmp_path / "cut.isth").exists()


def test_samples_that_are_no_numbers(sound_codec: Codec, tmp_path: Path) -> None:
    write(tmp_path / "nan.wav", np.full((100, 1), np.nan), "FLOAT")
    with pytest.raises(InputError, match=r"nan\.wav has samples that are no numbers"):
        sound_codec.encode_file(tmp_path / "nan.wav")


def test_what_a_format_cannot_hold(sound_codec: Codec, tmp_path: Path) -> None:
    write(tmp_path / "odd.wav", sounds.chord(500, 6), rate=50_001)
    sound_codec.encode_file(tmp_path / "odd.wav")
    with pytest.raises(InputError, match="MP3 cannot hold this sound"):
        sound_codec.decode_file(tmp_path / "odd.isth", tmp_path / "odd.mp3")
    assert not (tmp_path / "odd.mp3").exists()
    with pytest.raises(InputError, match=r"no format of sounds for odd\.png"):
        sound_codec.decode_file(tmp_path / "odd.isth", tmp_path / "odd.png")


def test_too_long(tmp_path: Path) -> None:
    write(tmp_path / "chord.wav")
    with pytest.raises(LimitExceededError, match="too long"):
        open_sound(tmp_path / "chord.wav", SoundLimits(max_samples=9999))


def test_more_than_eight_channels(tmp_path: Path) -> None:
    write(tmp_path / "many.wav", sounds.chord(50, 9))
    with pytest.raises(InputError, match="too many channels: expected at most 8, got 9"):
        open_sound(tmp_path / "many.wav", SoundLimits())


@pytest.mark.parametrize("suffix", sorted({".wav", ".flac", ".aiff", ".ogg", ".mp3", ".au", ".caf", ".w64", ".rf64"}))
def test_how_files_begin(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"chord{suffix}"
    soundfile.write(path, sounds.chord(500), 44_100, format=FORMATS[suffix])
    assert begins_like_sound(path.read_bytes()[:64])


def test_how_pictures_begin() -> None:
    for front in (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\x00\x00\x00\x00WEBP", b"II*\x00", b"", b"\xff"):
        assert not begins_like_sound(front)


def test_what_reads_sounds_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "chord.wav"
    write(path)
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "soundfile" else found(name))
    with pytest.raises(MissingExtraError, match=r'pip install "isthmus\[sound\]"'):
        Codec().encode_file(path)
