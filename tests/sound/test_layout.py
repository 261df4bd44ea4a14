"""The division of sounds: frames of about the same time, bands below 20 kHz, blocks of some seconds."""

import pytest

from isthmus.sound.layout import Layout


@pytest.mark.parametrize(
    ("rate", "frame", "bands"),
    [
        (1_000, 64, 4),
        (8_000, 256, 16),
        (11_025, 256, 16),
        (16_000, 512, 32),
        (22_050, 512, 32),
        (32_000, 1024, 64),
        (44_100, 1024, 59),
        (48_000, 1024, 54),
        (88_200, 2048, 59),
        (96_000, 2048, 54),
        (192_000, 4096, 54),
    ],
)
def test_frames_and_bands(rate: int, frame: int, bands: int) -> None:
    layout = Layout(1, rate, 2)
    assert (layout.frame, layout.bands) == (frame, bands)
    borders = layout.angle_bands()
    assert borders[0] == 0
    assert borders == sorted(set(borders))
    assert borders[-1] < bands


@pytest.mark.parametrize(("samples", "frames", "blocks"), [(1, 1, 1), (1024, 1, 1), (1025, 2, 1), (262_145, 257, 2)])
def test_counts(samples: int, frames: int, blocks: int) -> None:
    layout = Layout(samples, 44_100, 1)
    assert (layout.frames, layout.blocks) == (frames, blocks)
    assert [frame for block in range(blocks) for frame in layout.frames_of(block)] == list(range(frames))


def test_pairs() -> None:
    layout = Layout(1, 48_000, 5)
    assert layout.pairs == 3
    assert [layout.channels_of(pair) for pair in range(3)] == [slice(0, 2), slice(2, 4), slice(4, 5)]
