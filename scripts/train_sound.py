"""Train the entropy model of sounds: python scripts/train_sound.py FOLDER MODEL.isthmodel [--minutes M] [--data TEXT]

All sounds below FOLDER are trained on, but for one in twelve by its name, on which the record of the model measures.
The run is kept in MODEL.pt: the same command goes on where it was stopped, with a larger budget where it had ended.
scripts/release_weights.py then puts the model into the package.
"""

import argparse
from pathlib import Path

import torch

from isthmus.train.sound.config import SoundConfig
from isthmus.train.sound.run import SoundRun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", default="", help="where the sounds are from, for the model's record")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    run = SoundRun(asked.folder, asked.model.with_suffix(".pt"), SoundConfig(), print)
    run.train(asked.minutes, asked.steps)
    written = run.export(asked.model, asked.model.stem, {"data": asked.data, "device": "cpu"})
    print(f"{asked.model}: model {written.id.hex()}")


if __name__ == "__main__":
    main()
