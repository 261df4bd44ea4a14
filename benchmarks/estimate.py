"""Bytes of whole files against what training estimates for the same pictures: networks in float, costs of symbols.

    python benchmarks/estimate.py FOLDER --most 24 -o docs/results/estimate.json

The difference holds all that training does not see: context networks in fixed point, rows in whole numbers, the range
coder, checksums and the file's header. The last two, some 65 bytes a file, are left out of `payload_bytes`.
"""

from pathlib import Path

import torch

import figures
from isthmus import Codec
from isthmus.bench.codec import Weights
from isthmus.image.container import parse
from isthmus.train.config import TrainConfig
from isthmus.train.image.catalogue import look_through
from isthmus.train.image.data import held_out_pictures
from isthmus.train.image.evaluation import code, prepare
from isthmus.train.image.modules import Network
from isthmus.train.initial import load_weights
from isthmus.tune import NAMES, Tune

QUALITIES = (10, 30, 50, 70, 90)


def main() -> None:
    parser = figures.parser(__doc__)
    parser.add_argument(
        "folder", type=Path, help="pictures; the middles of some are taken, those that training holds out"
    )
    parser.add_argument("--most", type=int, default=8)
    parser.add_argument("--model", default="release", help="a file, or the name of an installed model")
    parser.add_argument("--tune", choices=NAMES, default="eye")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    config, state, _ = load_weights(asked.model, TrainConfig())
    network = Network(config.network).eval()
    network.load_state_dict(state)
    model = Weights(asked.model).load()
    codec = Codec(model, threads=1)
    pictures = held_out_pictures(look_through(asked.folder, None, config), config)[: asked.most]
    rows = []
    tune = Tune.of(asked.tune)
    for quality in QUALITIES:
        estimated, written, payload = 0.0, 0, 0
        for pixels in pictures:
            picture = prepare(pixels, network.context.definition)
            _, bits = code(network, picture, quality / 100, tune.share)
            estimated += float(bits.sum()) / 8
            data = codec.encode(picture[0].permute(1, 2, 0).numpy(), quality, tune=tune)
            written += len(data)
            payload += sum(map(len, parse(data).tiles))
        row = {"quality": quality, "estimated_bytes": round(estimated)}
        for what, size in (("file", written), ("payload", payload)):
            row |= {f"{what}_bytes": size, f"{what}_percent": round(100 * (size / estimated - 1), 2)}
        rows.append(row)
        print(row)
    found = {"model": model.id.hex(), "tune": tune.text, "pictures": len(pictures), "rows": rows}
    figures.write(found, asked.output)


if __name__ == "__main__":
    main()
