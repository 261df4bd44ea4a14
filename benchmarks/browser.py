"""Measure the decoder for browsers in headless Chromium beside Python's: seconds, levels apart, bytes, frames.

    python benchmarks/browser.py PICTURES FILES -o browser.json

FILES is a folder for the .isth files of PICTURES, by "best" and by "fast" at quality 50, and of one picture of 12
megapixels that is laid out of them; those that are not there yet are encoded first. Needs chromium and chromedriver.
Leave the machine alone meanwhile. Python decodes with one thread, as a browser's worker does. A model's first file is
decoded once more before the others, so that models are loaded and code is compiled; that is reported as cold.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import figures
import isthmus
from isthmus.album import shown, write_album
from isthmus.bench.timing import machine
from isthmus.model.registry import packaged_bytes, releases

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from browser import Site, serving, start

MODELS = ("best", "fast")
QUALITY = 50
LARGE = "12-megapixels"
LARGE_SIZE = (4000, 3000)
GALLERY = 20
SCROLL_SECONDS = 20

DECODE = """
const [name, done] = arguments;
(async () => {
  const begun = performance.now();
  const library = await import("/isthmus.js");
  library.configure({models: "/"});
  const bytes = new Uint8Array(await (await fetch("/" + name)).arrayBuffer());
  const seconds = async (options) => {
    const begin = performance.now();
    const found = await library.decode(bytes, options);
    return [(performance.now() - begin) / 1000, found];
  };
  const [preview] = await seconds({scale: 16});
  const first = (performance.now() - begun) / 1000;
  const [whole, picture] = await seconds({});
  const want = new Uint8Array(await (await fetch("/" + name + ".rgba")).arrayBuffer());
  let apart = 0, other = 0;
  for (let i = 0; i < want.length; i++) {
    const levels = Math.abs(want[i] - picture.data[i]);
    if (levels) other++;
    apart = Math.max(apart, levels);
  }
  done({preview, whole, first, apart, other: other / want.length});
})().catch((error) => done(String(error)));
"""
"""Seconds to a preview and to the picture, and to the first preview from when the library is asked for."""
SCROLL = """
const [seconds, done] = arguments;
const tasks = [], frames = [];
const note = (into) => (list) => into.push(...list.getEntries().map((one) => one.duration));
new PerformanceObserver(note(tasks)).observe({type: "longtask", buffered: true});
new PerformanceObserver(note(frames)).observe({type: "long-animation-frame", buffered: true});
const gaps = [];
const drawn = () => [...document.querySelectorAll("isth-img")].filter((one) => one.scale).length;
const begin = performance.now();
let before = 0;
const step = (now) => {
  if (before) gaps.push(now - before);
  before = now;
  const part = (now - begin) / 1000 / seconds;
  window.scrollTo(0, part * (document.body.scrollHeight - window.innerHeight));
  if (part < 1) requestAnimationFrame(step);
  else setTimeout(() => done({gaps, tasks, frames, drawn: drawn()}), 500);
};
requestAnimationFrame(step);
"""


def encode_missing(pictures: Path, folder: Path) -> None:
    """Writes NAME.MODEL.isth for every picture, and for the large one."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = sorted(path for path in pictures.iterdir() if path.suffix == ".png")
    for model in MODELS:
        codec = isthmus.Codec(model)
        for path in [*paths, None]:
            target = folder / f"{path.stem if path else LARGE}.{model}.isth"
            if not target.exists():
                image = Image.open(path) if path else laid_out(paths)
                target.write_bytes(codec.encode(image, QUALITY))


def laid_out(paths: list[Path]) -> Image.Image:
    """Pictures row by row, again and again, until they fill the large one."""
    large = Image.new("RGB", LARGE_SIZE)
    top, number = 0, 0
    while top < large.height:
        left, bottom = 0, top + 1
        while left < large.width:
            with Image.open(paths[number % len(paths)]) as image:
                large.paste(image, (left, top))
                left, bottom = left + image.width, max(bottom, top + image.height)
            number += 1
        top = bottom
    return large


def python_seconds(data: bytes) -> tuple[dict[str, float], np.ndarray]:
    """Seconds to a preview and to the picture, and the picture (H, W, 4)."""
    codec = isthmus.Codec(threads=1)
    begin = time.perf_counter()
    codec.preview(data)
    middle = time.perf_counter()
    image = codec.decode_image(data)
    return {"preview": middle - begin, "whole": time.perf_counter() - middle}, np.asarray(image.convert("RGBA"))


def measured(paths: list[Path], folder: Path, site: Site) -> Iterator[dict[str, Any]]:
    """A row for each file, all of one model, on one page of a browser that starts; the first comes twice, once cold."""
    driver = start()
    driver.set_script_timeout(300)
    try:
        driver.get(site.address)
        for number, path in enumerate([paths[0], *paths]):
            data = path.read_bytes()
            python, pixels = python_seconds(data)
            (folder / path.name).write_bytes(data)
            (folder / f"{path.name}.rgba").write_bytes(pixels.tobytes())
            found = driver.execute_async_script(DECODE, path.name)
            (folder / f"{path.name}.rgba").unlink()
            name, model, _ = path.name.rsplit(".", 2)
            height, width = pixels.shape[:2]
            facts = {"file": name, "model": model, "width": width, "height": height, "bytes": len(data)}
            yield {**facts, "cold": number == 0, "python": python, "browser": found}
    finally:
        driver.quit()


def scrolled(page: Path) -> dict[str, Any]:
    """How the main thread fares while a page is scrolled from its top to its end, from when it is opened."""
    driver = start(traced=True)
    driver.set_script_timeout(300)
    try:
        driver.get(page.as_uri())
        found: dict[str, Any] = driver.execute_async_script(SCROLL, SCROLL_SECONDS)
        processor_ms = task_times(driver.get_log("performance"))
    finally:
        driver.quit()
    gaps = sorted(found["gaps"])
    return {
        "bytes": page.stat().st_size,
        "drawn": found["drawn"],
        "frames": len(gaps),
        "between_frames_ms": {"median": statistics.median(gaps), "longest": gaps[-1]},
        # Chromium counts tasks of the main thread, and frames, of more than 50 ms.
        "tasks_above_50_ms": found["tasks"],
        "frames_above_50_ms": found["frames"],
        # Of the processor's time, which other work on the machine does not lengthen.
        "longest_task_processor_ms": max(processor_ms),
    }


def task_times(log: list[dict[str, Any]]) -> list[float]:
    """Milliseconds of the processor's time of every task of pages' main threads, from Chromium's trace."""
    messages = [json.loads(entry["message"])["message"] for entry in log]
    events = [message["params"] for message in messages if message["method"] == "Tracing.dataCollected"]
    names = {(one["pid"], one["tid"]): one["args"]["name"] for one in events if one.get("name") == "thread_name"}
    tasks = [one for one in events if one.get("ph") == "X" and names.get((one["pid"], one["tid"])) == "CrRendererMain"]
    return [one.get("tdur", 0) / 1000 for one in tasks]


def medians(rows: Sequence[dict[str, Any]]) -> list[str]:
    """A line for each model, of the many pictures and of the large one."""
    lines = []
    for model in MODELS:
        for large in (False, True):
            own = [row for row in rows if row["model"] == model and (row["file"] == LARGE) == large and not row["cold"]]
            if not own:
                continue
            said = []
            for where in ("browser", "python"):
                seconds = [statistics.median(row[where][what] for row in own) for what in ("preview", "whole")]
                said.append(f"{where} {seconds[0]:.3f} s to the preview, {seconds[1]:.2f} s to the picture")
            lines.append(f"{model}, {own[0]['width']}x{own[0]['height']}, median of {len(own)}: {'; '.join(said)}")
    return lines


def main() -> None:
    parser = figures.parser(__doc__)
    parser.add_argument("pictures", type=Path, help="a folder of PNG files")
    parser.add_argument("files", type=Path, help="a folder for .isth files")
    parser.add_argument("--most", type=int, default=1000, help="measure so many of the pictures")
    options = parser.parse_args()
    encode_missing(options.pictures, options.files)
    library = (resources.files("isthmus.album") / "isthmus.js").read_bytes()
    rows: list[dict[str, Any]] = []
    small: dict[str, list[Path]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "isthmus.js").write_bytes(library)
        (folder / "index.html").write_text("<!doctype html><title>measured</title>")
        for identity in releases():
            (folder / f"{identity}.isthmodel").write_bytes(packaged_bytes(identity))
        with serving(folder) as site:
            for model in MODELS:
                large = options.files / f"{LARGE}.{model}.isth"
                small[model] = sorted(set(options.files.glob(f"*.{model}.isth")) - {large})
                for row in measured([*small[model][: options.most], large], folder, site):
                    print(json.dumps(row), file=sys.stderr, flush=True)
                    rows.append(row)
        gallery = {}
        for model in MODELS:
            page = folder / f"gallery.{model}.html"
            write_album(page, [shown(path.name, path.read_bytes()) for path in small[model][:GALLERY]], "gallery")
            gallery[model] = scrolled(page)
    loaded = {"library": len(library), **{name: len(packaged_bytes(identity)) for identity, name in releases().items()}}
    print("\n".join(medians(rows)), file=sys.stderr)
    about = {"machine": machine(), "quality": QUALITY, "bytes": loaded}
    print(json.dumps({**about, "gallery": gallery}, indent=1), file=sys.stderr)
    figures.write({**about, "gallery": gallery, "rows": rows}, options.output)


if __name__ == "__main__":
    main()
