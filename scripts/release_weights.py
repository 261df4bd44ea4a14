"""Put weights into the package: python scripts/release_weights.py WEIGHTS [--name best] [--replace]

WEIGHTS is an .isthmodel that `isthmus train` wrote; of a checkpoint, `isthmus train FOLDER --from CHECKPOINT.pt
--finish -o WEIGHTS` makes one. It is copied into src/isthmus/models with its name and licence, gets a row in index.json
there, and the golden photograph or sound is written.

A model that was ever released keeps its row and its file, so that the files of its time still decode; the new one of
the same name encodes from now on. --replace drops the last one of that name instead: only if it was never released.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from isthmus.model.file import SUFFIX, save_model
from isthmus.model.registry import DEFAULT, INDEX, load_model

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "src" / "isthmus" / "models"
GOLDEN = ROOT / "tests" / "golden"
LICENCE = "Apache-2.0"


def release(weights: Path, name: str, replace: bool, models: Path = MODELS, golden_folder: Path = GOLDEN) -> str:
    """Copies the weights into a folder of models and adds their row to its index; returns their id."""
    model = load_model(weights)
    partial = models / f"new{SUFFIX}"
    identity = save_model(partial, model.arrays, {**model.metadata, "name": name, "licence": LICENCE}).id.hex()
    partial.replace(models / f"{identity}{SUFFIX}")

    index = models / INDEX
    released = json.loads(index.read_text(encoding="utf-8"))
    rows = [row for row in released if row["id"] != identity]
    old = [row for row in rows if row["name"] == name]
    # The same command again, after it failed in the middle, must not drop the one before as well.
    dropped = old[-1] if replace and old and rows == released else None
    rows = [row for row in rows if row is not dropped] + [{"id": identity, "name": name}]
    index.write_text("[\n" + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n]\n", encoding="utf-8")
    if dropped:
        (models / f"{dropped['id']}{SUFFIX}").unlink(missing_ok=True)
        for golden in golden_folder.glob(f"*_{dropped['id']}.*"):
            golden.unlink()
    return identity


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--name", default=DEFAULT)
    parser.add_argument("--replace", action="store_true")
    asked = parser.parse_args()
    identity = release(asked.weights, asked.name, asked.replace)
    # A new process: this one has read the old index.
    for script in ("regenerate_golden_photograph.py", "regenerate_golden_sound.py"):
        subprocess.run([sys.executable, str(ROOT / "scripts" / script)], check=True)
    print(f"{asked.name}: model {identity}")


if __name__ == "__main__":
    main()
