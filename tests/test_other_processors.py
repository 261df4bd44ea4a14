"""The same latents on processors that are not at hand: emulated ones, without AVX-512 and VNNI, and without AVX.

ONNX Runtime and NumPy choose their arithmetic by what the processor has: VNNI adds products of 8 bits exactly, AVX2 has
only an instruction that saturates, and older processors have neither.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import data as samples

import isthmus
from isthmus.likeness import psnr_db

PROCESSORS: dict[str, dict[str, Any]] = {
    "Haswell": {"model": "best", "quality": 20},
    "Nehalem": {"model": "fast", "quality": 85, "tune": "psnr"},
}
"""With AVX2, and with SSE 4.2 alone; and how the file is written that they decode."""
LARGEST = (
    "coding/test_fixed_point.py::test_the_engine_is_exact_with_the_largest_operands",
    "image/coders/separable/test_graphs.py::test_windows_are_exact_with_the_largest_operands",
    "image/coders/separable/test_graphs.py::test_products_over_channels_are_exact_with_the_largest_operands",
)
DECODE = "import numpy, isthmus, sys; numpy.save(sys.argv[2], isthmus.decode(open(sys.argv[1], 'rb').read()))"


def on(processor: str, *words: object) -> str:
    """What Python says on another processor."""
    command = ["qemu-x86_64", "-cpu", processor, sys.executable, *map(str, words)]
    # Plugins of pytest take longer to load there than the tests take.
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        command, cwd=Path(__file__).parent, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize("processor", PROCESSORS)
def test_a_file_decodes_there(processor: str, tmp_path: Path) -> None:
    # As many positions as it takes for the engine to run the entropy model, too.
    picture = samples.cat()[:, :448]
    file, decoded = tmp_path / "here.isth", tmp_path / "there.npy"
    file.write_bytes(isthmus.encode(picture, **PROCESSORS[processor]))
    # Its latents have the checksum of the file, or decoding fails.
    on(processor, "-c", DECODE, file, decoded)
    there = np.load(decoded)
    assert np.abs(isthmus.decode(file.read_bytes()).astype(int) - there).max() <= 1
    assert psnr_db(there, picture) > 25


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize("processor", PROCESSORS)
def test_products_are_exact_there_with_the_largest_operands(processor: str) -> None:
    said = on(processor, "-m", "pytest", "-q", "-p", "no:cacheprovider", *LARGEST)
    assert " 5 passed" in f" {said.splitlines()[-1]}"
