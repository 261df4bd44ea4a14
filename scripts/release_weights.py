"""Put weights into the package: python scripts/release_weights.py WEIGHTS [--name release]

WEIGHTS is an .isthmodel that `isthmus train` wrote. It is copied into src/isthmus/models under the name and with its
licence, its row is set in the table of `isthmus.model`, and the golden photograph is written anew. A model that was
ever released keeps its row and its file, so that the files of its time still decode: give the new one a new name, or
--replace while the old one has not been released.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from isthmus.model import RELEASES, SUFFIX, load_model, save_model

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "src" / "isthmus" / "models"
TABLE = ROOT / "src" / "isthmus" / "model.py"
LICENCE = "Apache-2.0"


def release(weights: Path, name: str, replace: bool, models: Path = MODELS, table: Path = TABLE) -> str:
    """Copies the weights and sets their row; returns their id.

    Raises:
        SystemExit: the name is taken by other weights.
    """
    model = load_model(weights)
    file = f"{name}{SUFFIX}"
    target = models / file
    rows = dict(RELEASES)
    taken = next((identity for identity, other in rows.items() if other == file), None)
    if taken is not None and not replace:
        raise SystemExit(
            f"{file} is model {taken} already; choose another --name, or --replace if it was never released"
        )
    save_model(target, model.arrays, {**model.metadata, "name": name, "licence": LICENCE})
    identity = load_model(target).id.hex()
    rows = {key: value for key, value in rows.items() if value != file} | {identity: file}
    text = table.read_text(encoding="utf-8")
    lines = "".join(f'    "{key}": "{value}",\n' for key, value in rows.items())
    text, changed = re.subn(
        r"^RELEASES: dict\[str, str\] = \{.*?\}\n",
        f"RELEASES: dict[str, str] = {{\n{lines}}}\n",
        text,
        flags=re.MULTILINE | re.DOTALL,
    )
    if changed != 1:
        raise SystemExit(f"{table}: expected one table RELEASES, found {changed}")
    table.write_text(text, encoding="utf-8")
    return identity


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--name", default="release")
    parser.add_argument("--replace", action="store_true")
    asked = parser.parse_args()
    identity = release(asked.weights, asked.name, asked.replace)
    # A new process: this one has the old table.
    subprocess.run([sys.executable, str(ROOT / "scripts" / "regenerate_golden_photograph.py")], check=True)
    print(f"{asked.name}: model {identity}")


if __name__ == "__main__":
    main()
