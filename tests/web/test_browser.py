"""The viewer in a real browser: drop, dial, slider, maps, channels, messages, a phone's width."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from skimage import data

import isthmus
from browser import start
from isthmus.codec import DEFAULT_QUALITY
from isthmus.web.app import create_app
from isthmus.web.server import listen, server

PHOTO = data.coffee()[60:156, 200:328]
HEIGHT, WIDTH = PHOTO.shape[:2]


@contextmanager
def serving(model: str | None = None) -> Iterator[str]:
    """The viewer's address."""
    listener = listen("127.0.0.1", 0)
    running = server(create_app(model, threads=1))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    running.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving() as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    chrome = start()
    yield chrome
    chrome.quit()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    Image.fromarray(PHOTO).save(folder / "cup.png")
    (folder / "cup.isth").write_bytes(isthmus.encode(PHOTO, 70))
    Image.fromarray(np.full((48, 64, 3), (200, 30, 20), np.uint8)).save(folder / "red.png")
    glass = Image.fromarray(PHOTO)
    glass.putalpha(128)
    glass.save(folder / "glass.png")
    (folder / "broken.png").write_bytes((folder / "cup.png").read_bytes()[:3000])
    return folder


def text(chrome: webdriver.Chrome, name: str) -> str:
    return chrome.find_element(By.ID, name).text


def until(chrome: webdriver.Chrome, true: object) -> None:
    WebDriverWait(chrome, 60, 0.1).until(lambda _: true())  # type: ignore[operator]


def choose(chrome: webdriver.Chrome, path: Path) -> None:
    chrome.find_element(By.ID, "file").send_keys(str(path))


def settled(chrome: webdriver.Chrome) -> None:
    script = "return [document.querySelectorAll('#rows tr').length, document.querySelectorAll('tr.stale').length]"
    until(chrome, lambda: chrome.execute_script(script) == [5, 0])
    until(chrome, lambda: text(chrome, "status") == "")


@pytest.fixture
def cup(browser: webdriver.Chrome, address: str, files: Path) -> webdriver.Chrome:
    browser.get(address)
    choose(browser, files / "cup.png")
    settled(browser)
    return browser


def turn(chrome: webdriver.Chrome, key: str) -> None:
    chrome.find_element(By.ID, "quality").send_keys(key)


def own_bytes(chrome: webdriver.Chrome) -> int:
    # By script: the table is made anew while it fills.
    cell = chrome.execute_script("return document.querySelector('#rows .own td:nth-child(2)').textContent")
    return int(cell.replace(",", ""))


def test_a_dropped_picture_is_compared(cup: webdriver.Chrome, files: Path) -> None:
    size = (files / "cup.png").stat().st_size
    assert text(cup, "about") == f"cup.png, 128 x 96 pixels, {size:,} bytes."
    labels = [cell.text for cell in cup.find_elements(By.CSS_SELECTOR, "#rows td:first-child")]
    assert labels == ["Original", "isthmus", "JPEG 4:2:0", "WebP", "AVIF speed 6"]
    assert own_bytes(cup) == len(isthmus.encode(PHOTO))
    chosen = [cup.find_element(By.ID, side).find_element(By.CSS_SELECTOR, "option:checked").text for side in "ab"]
    assert cup.find_element(By.CSS_SELECTOR, "#rows td:nth-child(2)").text == f"{size:,}"
    assert chosen == [f"Original · {size:,} bytes", f"isthmus · {own_bytes(cup):,} bytes"]
    assert [entry["message"] for entry in cup.get_log("browser")] == []


def test_the_dial_by_keyboard(cup: webdriver.Chrome) -> None:
    before = own_bytes(cup)
    turn(cup, Keys.HOME)
    until(cup, lambda: own_bytes(cup) < before)
    settled(cup)
    assert text(cup, "shown-quality") == "0"
    assert own_bytes(cup) == len(isthmus.encode(PHOTO, 0))


def test_the_slider_shows_what_was_decoded(cup: webdriver.Chrome) -> None:
    turn(cup, Keys.HOME)
    settled(cup)
    # On whole pixels, so that nothing is interpolated.
    cup.execute_script("centre(1); state.x = Math.round(state.x); state.y = Math.round(state.y); place()")

    def shown() -> np.ndarray:
        shot = Image.open(io.BytesIO(cup.find_element(By.ID, "stage").screenshot_as_png)).convert("RGB")
        left, top = (round(place) for place in cup.execute_script("return [state.x, state.y]"))
        return np.asarray(shot.crop((left, top, left + WIDTH, top + HEIGHT)), float)

    decoded = isthmus.decode(isthmus.encode(PHOTO, 0)).astype(float)
    # Away from the handle, whose place is the middle of the stage.
    parts = {"left": np.s_[:, :45], "right": np.s_[:, -45:]}
    for part, expected, other in (("left", PHOTO, decoded), ("right", decoded, PHOTO)):
        seen = shown()[parts[part]]
        assert np.abs(seen - expected[parts[part]]).mean() < 3 < np.abs(seen - other[parts[part]]).mean()


def test_bits_error_and_channels(cup: webdriver.Chrome) -> None:
    cup.find_element(By.CSS_SELECTOR, "[data-view=bits]").click()
    assert f"Bits that isthmus at quality {DEFAULT_QUALITY:g}, tune eye spends" in text(cup, "legend")
    cup.find_element(By.CSS_SELECTOR, "[data-view=error]").click()
    until(cup, lambda: "Root mean square" in text(cup, "legend"))
    cup.find_element(By.CSS_SELECTOR, "#latents summary").click()
    until(cup, lambda: text(cup, "plane-about").startswith("Channel 0 of"))
    cup.find_element(By.ID, "later").click()
    until(cup, lambda: text(cup, "plane-about").startswith("Channel 1 of"))
    size = "const i = document.getElementById('plane'); return [i.naturalWidth, i.naturalHeight]"
    until(cup, lambda: cup.execute_script(size) == [8, 6])


def download(chrome: webdriver.Chrome, suffix: str) -> bytes:
    """What the link of that suffix leads to."""
    fetch = (
        "const done = arguments[1]; fetch(document.querySelector(`[data-suffix=${arguments[0]}]`).href)"
        ".then(a => a.arrayBuffer()).then(b => done([...new Uint8Array(b)]))"
    )
    return bytes(chrome.execute_async_script(fetch, suffix))


def test_the_downloads_are_the_file_and_what_it_decodes_to(cup: webdriver.Chrome) -> None:
    encoded = isthmus.encode(PHOTO)
    assert download(cup, "isth") == encoded
    with Image.open(io.BytesIO(download(cup, "png"))) as png:
        assert png.format == "PNG"
        assert np.array_equal(np.asarray(png), isthmus.decode(encoded))
    with Image.open(io.BytesIO(download(cup, "jpg"))) as jpeg:
        assert jpeg.format == "JPEG"
        assert np.abs(np.asarray(jpeg).astype(int) - isthmus.decode(encoded)).mean() < 3


def test_a_downloaded_page_shows_the_picture_alone(cup: webdriver.Chrome, tmp_path: Path) -> None:
    page = tmp_path / "cup.html"
    page.write_bytes(download(cup, "html"))
    cup.get(page.as_uri())
    until(cup, lambda: cup.execute_script("return document.querySelector('isth-img').canvas.width") == WIDTH)
    assert cup.get_log("browser") == []


def test_an_isth_file_stands_beside_its_decoded_png(cup: webdriver.Chrome, files: Path) -> None:
    choose(cup, files / "cup.isth")
    until(cup, lambda: text(cup, "about").startswith("cup.isth, 128 x 96 pixels, "))
    assert "Quality 70" in text(cup, "about")
    until(cup, lambda: len(cup.find_elements(By.CSS_SELECTOR, "#rows tr")) == 3)
    labels = [cell.text for cell in cup.find_elements(By.CSS_SELECTOR, "#rows td:first-child")]
    assert labels == ["The .isth file", "Decoded, as PNG", "Decoded, as JPEG"]
    assert own_bytes(cup) == (files / "cup.isth").stat().st_size
    png = download(cup, "png")
    assert cup.find_elements(By.CSS_SELECTOR, "#rows td:nth-child(2)")[1].text == f"{len(png):,}"
    with Image.open(io.BytesIO(png)) as image:
        assert np.array_equal(np.asarray(image), isthmus.decode((files / "cup.isth").read_bytes()))
    # One picture alone is not split, and nothing is compared.
    for name in ("handle", "choice", "quality"):
        assert not cup.find_element(By.ID, name).is_displayed(), name


def test_the_start_page_gives_way_to_the_picture(browser: webdriver.Chrome, address: str) -> None:
    browser.get(address)
    start, work = (browser.find_element(By.ID, name) for name in ("start", "work"))
    assert (start.is_displayed(), work.is_displayed()) == (True, False)
    sample = browser.find_element(By.CSS_SELECTOR, "#try img")
    until(browser, lambda: sample.get_property("naturalWidth") == 600)
    browser.find_element(By.ID, "try").click()
    until(browser, work.is_displayed)
    assert not start.is_displayed()
    assert text(browser, "about").startswith("coffee.webp, 600 x 400 pixels")
    settled(browser)


def test_several_files_are_a_list(cup: webdriver.Chrome, files: Path) -> None:
    assert not cup.find_element(By.ID, "list").is_displayed()
    names = ("red.png", "broken.png", "cup.isth")
    cup.find_element(By.ID, "file").send_keys("\n".join(str(files / name) for name in names))
    until(cup, lambda: len(cup.find_elements(By.CSS_SELECTOR, "#list button")) == 3)
    assert text(cup, "error").startswith("broken.png: ")
    buttons = cup.find_elements(By.CSS_SELECTOR, "#list button")
    assert [button.find_element(By.TAG_NAME, "b").text for button in buttons] == ["cup.png", "red.png", "cup.isth"]
    # The first that came is shown; another is a click away and has its own figures.
    assert text(cup, "about").startswith("red.png")
    settled(cup)
    of_red = own_bytes(cup)
    buttons[0].click()
    until(cup, lambda: text(cup, "about").startswith("cup.png"))
    settled(cup)
    assert own_bytes(cup) == len(isthmus.encode(PHOTO)) != of_red


def test_a_transparent_picture_is_no_jpeg(cup: webdriver.Chrome, files: Path) -> None:
    choose(cup, files / "glass.png")
    until(cup, lambda: text(cup, "about").startswith("glass.png"))
    shown = [link.text for link in cup.find_elements(By.CSS_SELECTOR, "#downloads a") if link.is_displayed()]
    assert shown == [".isth", "PNG", "page"]


def test_a_damaged_file_gives_a_message_and_spoils_nothing(cup: webdriver.Chrome, files: Path) -> None:
    choose(cup, files / "broken.png")
    until(cup, lambda: "broken.png: " in text(cup, "error"))
    assert "cannot be read" in text(cup, "error")
    assert text(cup, "about").startswith("cup.png, 128 x 96 pixels")
    choose(cup, files / "cup.png")
    until(cup, lambda: text(cup, "error") == "")
    settled(cup)


def test_a_phone(cup: webdriver.Chrome) -> None:
    size = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    cup.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert cup.execute_script("return innerWidth") == 360
        assert cup.execute_script("return document.documentElement.scrollWidth") <= 360
        for name in ("more", "quality", "downloads", "stage", "a", "b", "figures", "settings"):
            box = cup.find_element(By.ID, name).rect
            assert box["x"] >= 0, name
            assert box["x"] + box["width"] <= 360, name
    finally:
        cup.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_second_dial(browser: webdriver.Chrome, files: Path, tuned_model: Path) -> None:
    with serving(str(tuned_model)) as address:
        browser.get(address)
        choose(browser, files / "cup.png")
        settled(browser)
        assert (text(browser, "shown-tune"), own_bytes(browser)) == (
            "eye",
            len(isthmus.encode(PHOTO, model=tuned_model)),
        )
        for key, shown, tune in ((Keys.LEFT, "0.9", 0.9), (Keys.HOME, "psnr", 0)):
            browser.find_element(By.ID, "tune").send_keys(key)
            size = len(isthmus.encode(PHOTO, tune=tune, model=tuned_model))
            until(browser, lambda size=size: own_bytes(browser) == size)
            settled(browser)
            assert text(browser, "shown-tune") == shown
            assert f"tune {shown}" in text(browser, "settings")
        link = browser.find_element(By.CSS_SELECTOR, "[data-suffix=isth]").get_attribute("href")
        assert link.endswith("&tune=0")
        (files / "tuned.isth").write_bytes(isthmus.encode(PHOTO, 70, tune=0.5, model=tuned_model))
        choose(browser, files / "tuned.isth")
        until(browser, lambda: "Quality 70, tune 0.5, model " in text(browser, "about"))
        assert not browser.find_element(By.ID, "tuning").is_displayed()
