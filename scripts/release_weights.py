"""Put weights into the package: python scripts/release_weights.py WEIGHTS [--name best] [--replace]

WEIGHTS is an .isthmodel that `isthmus train` wrote; of a checkpoint, `isthmus train FOLDER --from CHECKPOINT.pt
--finish -o WEIGHTS` makes one. It is copied into src/isthmus/models with its name and licence, gets a row in the table
of `isthmus.model.file`, and the golden photograph is written.

A model that was ever released keeps its row and its file, so that the files of its time still decode; the new one of
the same name encodes from now on. --replace drops the last one of that name instead: only if it was never released.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from isthmus.model.file import DEFAULT, RELEASES, SUFFIX, load_model, save_model

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "src" / "isthmus" / "models"
TABLE = ROOT / "src" / "isthmus" / "model.py"
GOLDEN = ROOT / "tests" / "golden"
LICENCE = "Apache-2.0"


def release(
    weights: Path, name: str, replace: bool, models: Path = MODELS, table: Path = TABLE, golden_folder: Path = GOLDEN
) -> str:
    """Copies the weights and adds their row; returns their id.

    Raises:
        SystemExit: the table is not where it was.
    """
    model = load_model(weights)
    partial = models / f"new{SUFFIX}"
    identity = save_model(partial, model.arrays, {**model.metadata, "name": name, "licence": LICENCE}).id.hex()
    partial.replace(models / f"{identity}{SUFFIX}")

    rows = {key: value for key, value in RELEASES.items() if key != identity}
    old = [key for key, value in rows.items() if value == name]
    # The same command again, after it failed in the middle, must not drop the one before as well.
    dropped = old[-1] if replace and old and identity not in RELEASES else None
    if dropped:
        del rows[dropped]
    rows[identity] = name
    inside = ", ".join(f'"{key}": "{value}"' for key, value in rows.items())
    if len(rows) > 1:
        inside = "\n" + "".join(f'    "{key}": "{value}",\n' for key, value in rows.items())
    text, changed = re.subn(
        r"^RELEASES: dict\[str, str\] = \{.*?\}\n",
        f"RELEASES: dict[str, str] = {{{inside}}}\n",
        table.read_text(encoding="utf-8"),
        flags=re.MULTILINE | re.DOTALL,
    )
    if changed != 1:
        raise SystemExit(f"{table}: expected one table RELEASES, found {changed}")
    table.write_text(text, encoding="utf-8")
    if dropped:
        (models / f"{dropped}{SUFFIX}").unlink(missing_ok=True)
        for golden in golden_folder.glob(f"photograph_{dropped}.*"):
            golden.unlink()
    return identity


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--name", default=DEFAULT)
    parser.add_argument("--replace", action="store_true")
    asked = parser.parse_args()
    identity = release(asked.weights, asked.name, asked.replace)
    # A new process: this one has the old table.
    subprocess.run([sys.executable, str(ROOT / "scripts" / "regenerate_golden_photograph.py")], check=True)
    print(f"{asked.name}: model {identity}")


if __name__ == "__main__":
    main()
