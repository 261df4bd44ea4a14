"""What fine-tuning on pictures of one kind saves.

    python benchmarks/finetune_domain.py TRAIN TEST -o OUTPUT --minutes 15

Trains on the folder TRAIN from the release weights, shrinks the result to what changed, then measures all three on
TEST, real bytes, beside WebP, AVIF and JPEG XL. Prints and writes (OUTPUT/finetune.json) the BD-rates, each model's own
bytes, and from how many pictures on it pays for itself at a rate near 0.75 bits per pixel. Leave the machine alone
meanwhile.
"""

import argparse
import json
import lzma
from pathlib import Path
from typing import Any

from isthmus.bench.curves import bd_rate
from isthmus.bench.results import curves_in, read_json
from isthmus.bench.run import Plan, bench, chosen
from isthmus.bench.sweep import sources_in
from isthmus.model.registry import load_model, model_named
from isthmus.train.delta import write_delta
from isthmus.train.gain import pays_from
from isthmus.train.options import OPTIONS, request
from isthmus.train.run import train

RIVALS = ("webp", "avif-s4", "jxl")
NEAR_BPP = 0.75


def measure(
    test: Path, tuned: tuple[Path, ...], origin: str, output: Path, rivals: tuple[str, ...], every: int
) -> dict[str, Any]:
    """The figures of tuned models on a folder of pictures."""
    plan = Plan(
        test,
        output,
        test.name,
        ("isthmus", *rivals),
        (origin, *map(str, tuned)),
        ("psnr",),
        anchor=f"isthmus-{Path(origin).stem}",
        every=every,
        processes=1,
    )
    print(bench(plan, chosen(plan)))
    curves = curves_in(read_json(output / "results.json"))
    before = curves[plan.anchor]
    percents = {name: bd_rate(before, curve).percent for name, curve in curves.items() if name != plan.anchor}
    near = min(before.rate, key=lambda bpp: abs(bpp - NEAR_BPP))
    pixels = [source.extent for source in sources_in(test)]
    bytes_per_picture = near * sum(pixels) / len(pixels) / 8
    models = {
        path.stem: {
            "bytes": path.stat().st_size,
            "bytes_xz": len(lzma.compress(path.read_bytes())),
            "pays_from_pictures": pays_from(path.stat().st_size, percents[f"isthmus-{path.stem}"], bytes_per_picture),
        }
        for path in tuned
    }
    return {
        "bd_rate_percent": percents,
        "pictures": len(pixels),
        "bytes_per_picture": bytes_per_picture,
        "models": models,
        "training": load_model(tuned[0]).metadata["training"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the model and the results")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--from", default="release")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as of isthmus train")
    parser.add_argument("--rivals", default=",".join(RIVALS), help="with commas between them")
    parser.add_argument("--every", type=int, default=1, help="take every Nth quality, as of isthmus bench")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("-f", "--force", action="store_true", help="overwrite a run, as of isthmus train")
    asked = parser.parse_args()
    origin = getattr(asked, "from")
    asked.output.mkdir(parents=True, exist_ok=True)
    tuned = asked.output / "tuned.isthmodel"
    training = {option.key: getattr(asked, option.key, None) for option in OPTIONS} | {"output": str(tuned)}
    wanted = asked.resume or asked.force or not tuned.exists()
    if wanted and not train(request(asked.train, training), print).finished:
        raise SystemExit(130)
    small = asked.output / "small.isthmodel"
    write_delta(load_model(tuned), model_named(origin), small)
    rivals = tuple(name for name in asked.rivals.split(",") if name)
    figures = measure(asked.test, (tuned, small), origin, asked.output / "results", rivals, asked.every)
    (asked.output / "finetune.json").write_text(json.dumps(figures, indent=2) + "\n")
    shown = {key: value for key, value in figures.items() if key != "training"}
    print(json.dumps(shown, indent=2))


if __name__ == "__main__":
    main()
