"""The service worker that lets plain images be .isth files, in a real browser."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

import isthmus
from browser import Site, serving, start
from isthmus.model.registry import packaged_bytes, releases
from pictures import stripes

ROOT = Path(__file__).parent.parent
WEB = ROOT / "web" / "isthmus-js"
VECTORS = WEB / "test" / "vectors"
FILES = ("psnr", "grey", "layers", "matte", "palette")
PAGE = """<!doctype html><title>plain</title>
<img id="first" src="psnr.isth" alt="there before the worker">
<script type="module">
import { showPlainImages } from "./isthmus.js";
await showPlainImages("isthmus-sw.js", { models: "models/", fallback: ".jpg" });
document.title = "ready";
</script>"""
SHOWN = """
const [address, done] = arguments;
const image = new Image();
image.onerror = () => done("");
image.onload = () => {
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  done([canvas.height, canvas.width, Array.from(context.getImageData(0, 0, canvas.width, canvas.height).data)]);
};
image.src = address;
"""


class Pages(NamedTuple):
    """A folder, and how it is served."""

    folder: Path
    site: Site


@pytest.fixture(scope="module")
def pages(npm: Callable[..., CompletedProcess[str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    folder = tmp_path_factory.mktemp("site")
    done = npm("run", "build", "--", str(folder / "isthmus.js"))
    assert done.returncode == 0, done.stderr
    shutil.copy(WEB / "build" / "isthmus-sw.js", folder)
    (folder / "models").mkdir()
    for identity in releases():
        (folder / "models" / f"{identity}.isthmodel").write_bytes(packaged_bytes(identity))
    for name in FILES:
        shutil.copy(VECTORS / f"{name}.isth", folder)
    (folder / "av1.isth").write_bytes(isthmus.encode(stripes(), 40))
    damaged = (VECTORS / "psnr.isth").read_bytes()[:-9]
    (folder / "damaged.isth").write_bytes(damaged)
    (folder / "alone.isth").write_bytes(damaged)
    for name in ("damaged", "absent"):
        Image.new("RGB", (7, 5), "red").save(folder / f"{name}.jpg")
    (folder / "index.html").write_text(PAGE)
    with serving(folder) as found:
        yield Pages(folder, found)


@pytest.fixture(scope="module")
def browser(pages: Pages) -> Iterator[webdriver.Chrome]:
    driver = start()
    driver.set_script_timeout(60)
    driver.get(pages.site.address)
    WebDriverWait(driver, 60).until(lambda _: driver.title == "ready")
    yield driver
    driver.quit()


def shown(browser: webdriver.Chrome, address: str) -> np.ndarray:
    """Pixels (h, w, 4) of a plain image; empty if the browser says that there is an error."""
    height, width, pixels = browser.execute_async_script(SHOWN, address) or (0, 0, [])
    return np.array(pixels, int).reshape(height, width, 4)


def test_what_a_page_showed_before_the_worker_came(browser: webdriver.Chrome) -> None:
    size = "const i = document.getElementById('first'); return [i.naturalWidth, i.naturalHeight]"
    WebDriverWait(browser, 60).until(lambda _: browser.execute_script(size) == [130, 130])


@pytest.mark.parametrize("name", [*FILES, "av1"])
def test_plain_images_show_what_python_decodes(browser: webdriver.Chrome, pages: Pages, name: str) -> None:
    want = np.asarray(isthmus.decode_image((pages.folder / f"{name}.isth").read_bytes()).convert("RGBA")).astype(int)
    got = shown(browser, f"{name}.isth")
    assert got.shape == want.shape
    assert (got[..., 3] == want[..., 3]).all()
    # A canvas rounds colours by their transparency.
    assert (np.abs(got - want).max(-1) * want[..., 3] <= 1.5 * 255).all()


def test_what_was_decoded_is_kept(browser: webdriver.Chrome, pages: Pages) -> None:
    first = shown(browser, "grey.isth")
    keys = "const d = arguments[0]; caches.open('isthmus-pictures').then(c => c.keys()).then(k => d(k.length))"
    count = browser.execute_async_script(keys)
    put = """
    const [name, done] = arguments;
    const red = new OffscreenCanvas(3, 2);
    red.getContext("2d").fillRect(0, 0, 3, 2);
    (async () => {
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await (await fetch(name)).arrayBuffer()));
      const key = "/" + Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") + ".png";
      const store = await caches.open("isthmus-pictures");
      const there = Boolean(await store.match(key));
      await store.put(key, new Response(await red.convertToBlob()));
      done(there);
    })();
    """
    # Another picture in its place is what is shown next: nothing is decoded again.
    assert browser.execute_async_script(put, "grey.isth")
    assert shown(browser, "grey.isth?again").shape == (2, 3, 4)
    assert first.shape != (2, 3, 4)
    assert browser.execute_async_script(keys) == count > 0


def test_a_model_is_asked_for_once(browser: webdriver.Chrome, pages: Pages) -> None:
    shown(browser, "psnr.isth?1")
    shown(browser, "layers.isth?1")
    models = [path for path in pages.site.asked if path.startswith("/models/")]
    assert len(models) == len(set(models)) > 0


@pytest.mark.parametrize("name", ["damaged", "absent"])
def test_what_cannot_be_shown_gives_the_fallback(browser: webdriver.Chrome, name: str) -> None:
    assert shown(browser, f"{name}.isth").shape == (5, 7, 4)


def test_without_a_fallback_the_image_says_so(browser: webdriver.Chrome) -> None:
    assert shown(browser, "alone.isth").size == 0


def test_other_requests_are_left_alone(browser: webdriver.Chrome, pages: Pages) -> None:
    fetched = "const d = arguments[1]; fetch(arguments[0]).then(a => a.arrayBuffer()).then(b => d(b.byteLength))"
    # A page that fetches a file, to decode it itself, gets the file.
    assert browser.execute_async_script(fetched, "psnr.isth?file") == (pages.folder / "psnr.isth").stat().st_size
    browser.execute_async_script(fetched, "index.html?file")
    source = (
        "return performance.getEntriesByName(new URL(arguments[0], document.baseURI).href)[0].workerMatchedSourceType"
    )
    # What is no such file does not even wait for the worker, which may be decoding.
    assert browser.execute_script(source, "index.html?file") == "network"
    assert browser.execute_script(source, "psnr.isth?file") != "network"
