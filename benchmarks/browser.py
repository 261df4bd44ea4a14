"""Measure the decoder for browsers in headless Chromium beside Python's: seconds, levels apart, bytes, frames.

    python benchmarks/browser.py out.json photo.isth...

Needs chromium and chromedriver. Python decodes with one thread, as a browser's worker does. The first file is decoded
once more before any is measured, so that models are loaded and code is compiled; what that costs is reported as cold.
"""

import json
import sys
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

import isthmus
from isthmus.album import shown, write_album
from isthmus.model.registry import packaged_bytes, releases

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from browser import start

DECODE = """
const [name, done] = arguments;
(async () => {
  const library = await import("/isthmus.js");
  library.configure({models: "/"});
  const bytes = new Uint8Array(await (await fetch("/" + name)).arrayBuffer());
  const seconds = async (options) => {
    const begin = performance.now();
    const found = await library.decode(bytes, options);
    return [(performance.now() - begin) / 1000, found];
  };
  const [preview] = await seconds({scale: 16});
  const [whole, picture] = await seconds({});
  const want = new Uint8Array(await (await fetch("/" + name + ".rgba")).arrayBuffer());
  let apart = 0, other = 0;
  for (let i = 0; i < want.length; i++) {
    const levels = Math.abs(want[i] - picture.data[i]);
    if (levels) other++;
    apart = Math.max(apart, levels);
  }
  done({preview, whole, apart, other: other / want.length});
})().catch((error) => done(String(error)));
"""
SCROLL = """
const done = arguments[0];
const long = [];
const note = (list) => long.push(...list.getEntries().map((one) => one.duration));
new PerformanceObserver(note).observe({type: "longtask"});
const gaps = [];
let before = 0;
const step = (now) => {
  if (before) gaps.push(now - before);
  before = now;
  window.scrollBy(0, 24);
  if (window.scrollY + window.innerHeight < document.body.scrollHeight - 2) requestAnimationFrame(step);
  else setTimeout(() => done({frames: gaps.length, longest_frame_ms: Math.max(...gaps), long_tasks_ms: long}), 500);
};
requestAnimationFrame(step);
"""


class _Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing of it."""

    def log_message(self, *_: object) -> None:
        pass


def python_seconds(data: bytes) -> tuple[float, float, np.ndarray]:
    """Seconds to a preview and to the picture, and the picture (H, W, 4)."""
    codec = isthmus.Codec(threads=1)
    begin = time.perf_counter()
    codec.preview(data)
    middle = time.perf_counter()
    image = codec.decode_image(data)
    return middle - begin, time.perf_counter() - middle, np.asarray(image.convert("RGBA"))


def measured(paths: list[Path], folder: Path) -> dict[str, Any]:
    handler = partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    library = (resources.files("isthmus.album") / "isthmus.js").read_bytes()
    (folder / "isthmus.js").write_bytes(library)
    models = {identity: packaged_bytes(identity) for identity in releases()}
    for identity, data in models.items():
        (folder / f"{identity}.isthmodel").write_bytes(data)
    browser = start()
    browser.set_script_timeout(300)
    rows, cold = [], {}
    try:
        for path in paths:
            data = path.read_bytes()
            python_seconds(data)
            preview, whole, pixels = python_seconds(data)
            (folder / path.name).write_bytes(data)
            (folder / f"{path.name}.rgba").write_bytes(pixels.tobytes())
            browser.get(f"http://127.0.0.1:{server.server_port}/")
            cold[path.name] = browser.execute_async_script(DECODE, path.name)
            found = browser.execute_async_script(DECODE, path.name)
            row = {
                "file": path.name,
                "bytes": len(data),
                "python": {"preview": preview, "whole": whole},
                "browser": found,
            }
            print(json.dumps(row), flush=True)
            rows.append(row)
            (folder / f"{path.name}.rgba").unlink()
        gallery = folder / "gallery.html"
        pictures = [shown(path.name, path.read_bytes()) for path in paths[:20]]
        write_album(gallery, pictures, "gallery", force=True)
        browser.get(gallery.as_uri())
        frames = browser.execute_async_script(SCROLL)
    finally:
        browser.quit()
        server.shutdown()
    loaded = {"library": len(library), **{name: len(models[identity]) for identity, name in releases().items()}}
    return {"bytes": loaded, "files": rows, "cold": cold, "gallery": frames, "gallery_bytes": gallery.stat().st_size}


if __name__ == "__main__":
    out, *names = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        found = measured([Path(name) for name in names], Path(folder))
    Path(out).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({key: found[key] for key in ("bytes", "gallery", "gallery_bytes")}))
