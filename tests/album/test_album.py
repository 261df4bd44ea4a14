"""Pages that show pictures: what they carry, what is refused, and that a real browser shows what Python decodes."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

import isthmus
from browser import start
from isthmus.album import album, shown, write_album
from isthmus.cli import main
from isthmus.errors import CorruptError, OutputExistsError
from isthmus.image.container import parse
from isthmus.image.sharp import AV1, sharp_mask
from isthmus.model.registry import installed_file
from pictures import stripes

VECTORS = Path(__file__).parents[2] / "web" / "isthmus-js" / "test" / "vectors"
PHOTO, LOSSLESS = VECTORS / "psnr.isth", VECTORS / "palette.isth"
PIXELS = """
const [element, done] = arguments;
const canvas = new OffscreenCanvas(element.canvas.width, element.canvas.height);
const context = canvas.getContext("2d");
context.drawImage(element.canvas, 0, 0);
done(Array.from(context.getImageData(0, 0, canvas.width, canvas.height).data));
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    driver = start()
    yield driver
    driver.quit()


def test_a_page_carries_pictures_decoder_and_the_weights_they_need(tmp_path: Path) -> None:
    photo = shown("a <b>.isth", PHOTO.read_bytes())
    page = album([photo, shown("c", LOSSLESS.read_bytes())], "T & U")
    assert "T &amp; U" in page
    assert "a &lt;b&gt;.isth" in page
    assert carried(page, "file") == {"0": PHOTO.read_bytes(), "1": LOSSLESS.read_bytes()}
    identity = parse(PHOTO.read_bytes()).header.model_id
    assert carried(page, "model") == {identity.hex(): installed_file(identity)}
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    assert carried(album([shown("c", LOSSLESS.read_bytes())], "lossless"), "model") == {}


def carried(page: str, kind: str) -> dict[str, bytes]:
    """The files that a page carries, by their names, put together of their pieces."""
    files: dict[str, bytes] = {}
    for name, piece in re.findall(rf'<script type="text/plain" data-{kind}="(\w+)">(.*?)</script>', page):
        files[name] = files.get(name, b"") + base64.b64decode(piece)
    return files


def test_a_page_takes_in_what_it_carries_piece_by_piece(tmp_path: Path) -> None:
    """While browsers read a script, or one element's text, the page waits: weights in one of them took 47 ms."""
    weights, most = installed_file(parse(PHOTO.read_bytes()).header.model_id), 1 << 18
    assert len(weights) > 2 * most
    path = tmp_path / "album.html"
    write_album(path, [shown("a", PHOTO.read_bytes())], "album")
    page = path.read_text()
    assert max(len(text) for text in re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)) <= most
    for run in re.findall(r'<script(?! type="text/plain")[^>]*>(.*?)</script>', page, re.DOTALL):
        assert base64.b64encode(weights[:99]).decode() not in run
    write_album(path, [shown("a", PHOTO.read_bytes())], "album", beside=True, force=True)
    beside = json.loads((tmp_path / "album.weights.js").read_text().removeprefix("globalThis.isthmusWeights = ")[:-2])
    for pieces in beside.values():
        assert b"".join(map(base64.b64decode, pieces)) == weights
        assert max(map(len, pieces)) <= most


def test_weights_can_stand_beside_the_page(tmp_path: Path) -> None:
    path = tmp_path / "album.html"
    write_album(path, [shown("a", PHOTO.read_bytes())], "album", beside=True)
    assert '<script src="album.weights.js"></script>' in path.read_text()
    assert (tmp_path / "album.weights.js").stat().st_size > path.stat().st_size
    with pytest.raises(OutputExistsError):
        write_album(path, [], "album")


def test_what_is_damaged_is_refused() -> None:
    data = PHOTO.read_bytes()
    with pytest.raises(CorruptError):
        shown("a", data[:60] + b"?" + data[61:])


def test_the_command(tmp_path: Path) -> None:
    path = tmp_path / "two.html"
    done = CliRunner().invoke(main, ["page", str(PHOTO), str(LOSSLESS), "-o", str(path), "--title", "Two"])
    assert done.exit_code == 0, done.output
    assert "<h1>Two</h1>" in path.read_text()
    assert f"{path.stat().st_size} bytes" in done.output


def drawn(browser: webdriver.Chrome, number: int) -> webdriver.remote.webelement.WebElement:
    """The element of a picture, when it is there whole."""
    element = browser.find_element("id", f"picture{number}")
    browser.execute_script("arguments[0].scrollIntoView()", element)
    WebDriverWait(browser, 60).until(lambda _: browser.execute_script("return arguments[0].scale === 1", element))
    wanted = element.get_attribute("data-width")
    script = "return arguments[0].canvas.width === Number(arguments[1])"
    WebDriverWait(browser, 60).until(lambda _: browser.execute_script(script, element, wanted))
    return element


def test_a_browser_shows_from_disk_what_python_decodes(browser: webdriver.Chrome, tmp_path: Path) -> None:
    paths = [VECTORS / f"{name}.isth" for name in ("psnr", "grey", "layers", "palette", "letters")]
    path = tmp_path / "album.html"
    write_album(path, [shown(one.name, one.read_bytes()) for one in paths], "album", beside=True)
    browser.get(path.as_uri())
    for number, one in enumerate(paths):
        element = drawn(browser, number)
        want = np.asarray(isthmus.decode_image(one.read_bytes()).convert("RGBA")).astype(int)
        got = np.array(browser.execute_async_script(PIXELS, element)).reshape(want.shape)
        assert np.abs(got - want).max() <= 1, one.name
    assert browser.get_log("browser") == []


def test_a_browser_decodes_the_sharp_layers_av1(browser: webdriver.Chrome, tmp_path: Path) -> None:
    page = stripes()
    data = isthmus.Codec().encode(page, 40)
    assert sharp_mask(parse(data).sharp[0], page.height, page.width)[1][0] == AV1
    path = tmp_path / "sharp.html"
    write_album(path, [shown("sharp", data)], "sharp")
    browser.get(path.as_uri())
    want = np.asarray(isthmus.decode_image(data).convert("RGBA")).astype(int)
    got = np.array(browser.execute_async_script(PIXELS, drawn(browser, 0))).reshape(want.shape)
    assert np.abs(got - want).max() <= 1


def test_what_is_damaged_is_said(browser: webdriver.Chrome, tmp_path: Path) -> None:
    path = tmp_path / "album.html"
    data = PHOTO.read_bytes()
    write_album(path, [shown("psnr", data)], "album")
    cut = base64.b64encode(data[:-9]).decode()
    path.write_text(path.read_text().replace(base64.b64encode(data).decode(), cut))
    browser.get(path.as_uri())
    found = WebDriverWait(browser, 30).until(lambda _: browser.find_elements("css selector", ".wrong"))
    assert found[0].text.startswith("TruncatedError: the file ends")
