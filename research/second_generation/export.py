"""From a checkpoint to a model file with the tables of the first generation: export.py CHECKPOINT.pt FILE.isthmodel

For a look in between: `isthmus train FOLDER --from` what convert.py wrote, with --finish, fits tables of its own.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from convert import averaged, converted

from isthmus.model.registry import model_named
from isthmus.train.export import export_model
from isthmus.train.image.modules import Network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("target", type=Path)
    asked = parser.parse_args()
    start, _, state = averaged(asked.checkpoint)
    shape, average = converted(state)
    network = Network(shape)
    network.load_state_dict(average)
    export_model(network, asked.target, asked.target.stem, {}, model_named(start).tables)


if __name__ == "__main__":
    main()
