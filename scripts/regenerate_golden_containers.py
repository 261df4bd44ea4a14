"""Write the container and lossless files of tests/golden anew. Only for a new format: released files never change."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import isthmus  # noqa: E402
from containers import ALPHAS, HEADER, META, TILES  # noqa: E402
from isthmus.image.container import assemble  # noqa: E402
from pictures import LOSSLESS  # noqa: E402

GOLDEN = ROOT / "tests" / "golden"

if __name__ == "__main__":
    (GOLDEN / "container.isth").write_bytes(assemble(HEADER, {}, ALPHAS, TILES))
    for name, picture in LOSSLESS.items():
        (GOLDEN / f"lossless_{name}.isth").write_bytes(isthmus.encode(picture(), lossless=True))
    (GOLDEN / "metadata.isth").write_bytes(assemble(HEADER, META, ALPHAS, TILES))
