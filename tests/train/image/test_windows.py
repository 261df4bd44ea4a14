"""Windows of picture files, as training sees them."""

from pathlib import Path

import numpy as np
from skimage import data

from isthmus.train.image.windows import read_windows


def test_windows_are_the_codecs_pixels(folder: Path) -> None:
    windows = read_windows(folder / "grey.png", 999, [(0.5, 0.5)])
    assert isinstance(windows, list)
    (grey,) = windows
    np.testing.assert_array_equal(grey[0], data.camera()[:160, :128])
    np.testing.assert_array_equal(grey[0], grey[2])
