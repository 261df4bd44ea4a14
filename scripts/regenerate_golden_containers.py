"""Write the container files of tests/golden anew. Only for a new format version: released files never change."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from containers import ALPHAS, HEADER, META, TILES  # noqa: E402
from isthmus.image.container import assemble  # noqa: E402

GOLDEN = ROOT / "tests" / "golden"

if __name__ == "__main__":
    (GOLDEN / "container_v1.isth").write_bytes(assemble(HEADER, {}, ALPHAS, TILES))
    (GOLDEN / "metadata_v1.isth").write_bytes(assemble(HEADER, META, ALPHAS, TILES))
