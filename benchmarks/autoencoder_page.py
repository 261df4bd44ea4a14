"""The page docs/results/autoencoders/README.md, written from results.json; nothing here measures."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

Results = dict[str, Any]
TITLES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}


def page(results: Results) -> str:
    """All sections that have figures."""
    sections = {
        "tutorial": _tutorial,
        "curve": _curve,
        "pca": _pca,
        "anomalies": _anomalies,
        "denoising": _denoising,
        "generation": _generation,
        "timing": _timing,
    }
    parts = [
        "# The textbook autoencoders, measured\n\nWritten from `results.json` by `benchmarks/autoencoder_page.py`; "
        "measured by\n\n    python benchmarks/autoencoder_results.py --mnist FOLDER\n    python "
        "benchmarks/autoencoder_results.py --mnist FOLDER --part timing --threads 2\n\n"
        "(MNIST's idx files in FOLDER, Fashion-MNIST's from Debian's `dataset-fashion-mnist`.) Pictures are 28x28 "
        "with 8 bits, 784 raw bytes; errors are in squared 8-bit levels over all test pictures; a rate is raw bytes "
        "over file bytes, the file as it lies on disk.\n"
    ]
    parts += [section(results[name]) for name, section in sections.items() if name in results]
    return "\n".join(parts)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _about(found: Results) -> str:
    about = next(iter(found.values()))["about"]
    threads = about["threads"]
    return (
        f"Measured {about['date']}, {about['machine']}, {threads} thread{'s' if threads > 1 else ''}, PyTorch "
        f"{about['torch']}, on a machine that did other work at the same time.\n"
    )


def _tutorial(found: Results) -> str:
    text = [
        "## The tutorial's configuration\n\nDense 784-256-128-256-784, ReLU, sigmoid output, MSE, Adam at 0.001, "
        "batches of 256, 10 epochs over the 60,000 training pictures. The tutorial has a ReLU on the code too; a "
        "linear code (this package's default) is the second row.\n"
    ]
    rows = []
    for name, result in found.items():
        for run in result["runs"]:
            rows.append(
                [
                    TITLES[name],
                    run["code_activation"],
                    f"{run['test_mse']:.1f}",
                    f"{run['test_mse'] / 255**2:.5f}",
                    f"{run['test_psnr_db']:.2f} dB",
                    f"{run['cpu_seconds']:.0f} s",
                ]
            )
    header = ["data", "code", "test MSE", "MSE in 0..1", "PSNR", "training, CPU"]
    text += [_table(header, rows), _about(found)]
    for name, result in found.items():
        text.append(
            f"### {TITLES[name]} in files\n\n*Each*: every picture a file of its own (the first "
            f"{result['rivals'][0]['pictures']} test pictures). *Together*: all {result['rivals'][1]['pictures']} test "
            "pictures as one picture of tiles (PNG, WebP, JPEG), one stream (gzip) or one file of codes. *With model*: "
            "together, and the model's file counted as sent. Bytes are those of one picture.\n"
        )
        rows = []
        for run in result["runs"]:
            rows.append([f"autoencoder, {run['code_activation']} code", *_files(*run["points"])])
        pairs = result["rivals"]
        for each, together in zip(pairs[::2], pairs[1::2], strict=True):
            rows.append([f"{each['codec']}, {each['setting']}", *_files(each, together)])
        text += [
            _table(["codec", "each: bytes", "rate", "together: bytes", "rate", "with model", "PSNR"], rows),
            f"![Originals, reconstructions, errors]({name}-reconstructions.png)\n",
        ]
    return "\n".join(text)


def _files(each: Results, together: Results) -> list[str]:
    cells = []
    for point in (each, together):
        cells += [f"{point['file_bytes'] / point['pictures']:.1f}", f"{point['rate']:.2f}"]
    cells.append(f"{together['rate_with_model']:.2f}" if together["model_bytes"] else "")
    cells.append("lossless" if together["psnr_db"] is None else f"{together['psnr_db']:.2f} dB")
    return cells


def _curve(found: Results) -> str:
    first = next(iter(found.values()))
    text = [
        f"## Rate against distortion\n\nThe same network with several code sizes, trained on {first['train_samples']} "
        "pictures in batches of 64, each quantized with three steps; points that another beats in both bytes and "
        "error are left out. "
        f"{first['points'][0]['pictures']} test pictures together, the model's bytes not counted.\n"
    ]
    for name, result in found.items():
        own = [point for point in result["points"] if point["model_bytes"]]
        jpeg = [point for point in result["points"] if point["codec"] == "JPEG"]
        text.append(f"### {TITLES[name]}\n\n![Rate-distortion curve]({name}-curve.png)\n")
        rows = []
        for point in sorted(own, key=lambda point: point["file_bytes"]):
            near = max((p for p in jpeg if p["psnr_db"] <= point["psnr_db"]), key=lambda p: p["psnr_db"], default=None)
            rows.append(
                [
                    point["setting"],
                    f"{point['file_bytes'] / point['pictures']:.1f}",
                    f"{point['rate']:.1f}",
                    f"{point['psnr_db']:.2f} dB",
                    f"{near['file_bytes'] / near['pictures']:.1f} bytes, {near['psnr_db']:.2f} dB" if near else "none",
                ]
            )
        text.append(_table(["autoencoder", "bytes", "rate", "PSNR", "best JPEG that is no better"], rows))
    return "\n".join([*text, _about(found)])


def _pca(found: Results) -> str:
    rows = [
        [
            TITLES[name],
            str(size["code_size"]),
            f"{size['autoencoder_mse']:.3f}",
            f"{size['pca_mse']:.3f}",
            f"{size['excess']:+.3%}",
        ]
        for name, result in found.items()
        for size in result["sizes"]
    ]
    first = next(iter(found.values()))
    return (
        f"## Linear autoencoder and PCA\n\nThe first {first['samples']} training pictures; h = W_e x + b_e, "
        f"x^ = W_d h + b_d from a random start, Adam at 0.01 falling to zero, batches of 128, {first['epochs']} "
        "epochs. PCA is the best any linear map can do (Baldi and Hornik 1989); the promise is an excess under 1 %.\n\n"
        + _table(["data", "code", "autoencoder MSE", "PCA MSE", "excess"], rows)
        + "\n"
        + _about(found)
    )


def _anomalies(found: Results) -> str:
    text = [
        "## Anomalies\n\nFitted to one class of the training pictures, then asked to find the other nine among the "
        "10,000 test pictures: area under the ROC curve. The autoencoder is dense 784-256-32-256-784; PCA keeps 95 % "
        "of the variance; the isolation forest has scikit-learn's settings.\n"
    ]
    for name, result in found.items():
        methods = list(result["classes"][0]["auc"])
        rows = [[str(row["normal"]), *(f"{row['auc'][method]:.3f}" for method in methods)] for row in result["classes"]]
        means = [statistics.mean(row["auc"][method] for row in result["classes"]) for method in methods]
        rows.append(["**mean**", *(f"**{mean:.3f}**" for mean in means)])
        text.append(f"### {TITLES[name]}\n\n" + _table(["normal class", *methods], rows))
    return "\n".join([*text, _about(found)])


def _denoising(found: Results) -> str:
    rows = [
        [
            TITLES[name],
            f"{result['noisy_db']:.2f} dB",
            f"{result['median_db']:.2f} dB",
            f"{result['autoencoder_db']:.2f} dB",
            f"{result['autoencoder_db'] - result['median_db']:+.2f} dB",
        ]
        for name, result in found.items()
    ]
    first = next(iter(found.values()))
    return (
        f"## Denoising\n\nNormal noise of deviation {first['noise']:.0f} levels, clipped to 0..255; the tutorial's "
        f"network trained with that noise on {first['train_samples']} pictures in batches of 64, measured on the "
        "10,000 test pictures.\n\n"
        + _table(["data", "noisy", "3x3 median filter", "autoencoder", "gain over the filter"], rows)
        + "\n"
        + _about(found)
    )


def _generation(found: Results) -> str:
    rows = [
        [
            TITLES[name],
            str(result["samples"]),
            f"{result['median_distance']:.1f}",
            f"{result['median_test_distance']:.1f}",
            f"{result['copies']:.1%}",
        ]
        for name, result in found.items()
    ]
    first = next(iter(found.values()))
    text = (
        f"## Generation\n\nVariational, 784-256-16-256-784, cross-entropy, batches of 64, 10 epochs over "
        f"{first['train_samples']} pictures. Distance to the nearest training picture, root mean square in levels "
        "(median); *suspicious* are samples nearer to one than 99 % of real test pictures are.\n\n"
        + _table(["data", "samples", "invented", "real test pictures", "suspicious"], rows)
        + "\n"
        + _about(found)
    )
    return text + "\n" + "\n".join(f"![{TITLES[name]}, invented]({name}-samples.png)\n" for name in found)


def _timing(found: Results) -> str:
    result = found["mnist"]
    rows = [
        [
            str(index + 1),
            *(f"{pair[who][clock]:.2f} s" for clock in ("wall_seconds", "cpu_seconds") for who in ("isthmus", "plain")),
        ]
        for index, pair in enumerate(result["pairs"])
    ]
    ratio = result["median_ratio"]
    rows.append(["**median ratio**", f"**{ratio['wall_seconds']:.2f}**", "", f"**{ratio['cpu_seconds']:.2f}**", ""])
    return (
        f"## Training time\n\nEpochs: {result['epochs']}, of the tutorial's configuration on MNIST with "
        f"{result['threads']} threads, everything from the 8-bit arrays on, beside the same network in a plain PyTorch "
        "loop, in turns. The promise is at most 1.2 times the loop.\n\n"
        + _table(["turn", "isthmus, wall", "loop, wall", "isthmus, CPU", "loop, CPU"], rows)
        + "\n"
        + _about(found)
    )
