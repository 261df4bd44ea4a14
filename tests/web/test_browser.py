"""The viewer in a real browser: drop, dial, slider, maps, channels, messages, a phone's width."""

import io
import threading
from collections.abc import Iterator
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


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    listener = listen("127.0.0.1", 0)
    running = server(create_app(threads=1))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    running.should_exit = True
    thread.join()
    listener.close()


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
    until(chrome, lambda: chrome.execute_script(script) == [4, 0])
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
    cell = chrome.execute_script("return document.querySelector('#rows td:nth-child(2)').textContent")
    return int(cell.replace(",", ""))


def test_a_dropped_picture_is_compared(cup: webdriver.Chrome) -> None:
    assert text(cup, "about") == "cup.png, 128 x 96 pixels."
    labels = [cell.text for cell in cup.find_elements(By.CSS_SELECTOR, "#rows td:first-child")]
    assert labels == ["isthmus", "JPEG 4:2:0", "WebP", "AVIF speed 6"]
    assert own_bytes(cup) == len(isthmus.encode(PHOTO))
    chosen = [cup.find_element(By.ID, side).find_element(By.CSS_SELECTOR, "option:checked").text for side in "ab"]
    assert chosen == ["Original", f"isthmus · {own_bytes(cup):,} bytes"]
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
    assert f"Bits that isthmus at quality {DEFAULT_QUALITY:g} spends" in text(cup, "legend")
    cup.find_element(By.CSS_SELECTOR, "[data-view=error]").click()
    until(cup, lambda: "Root mean square" in text(cup, "legend"))
    cup.find_element(By.CSS_SELECTOR, "#latents summary").click()
    until(cup, lambda: text(cup, "plane-about").startswith("Channel 0 of"))
    cup.find_element(By.ID, "later").click()
    until(cup, lambda: text(cup, "plane-about").startswith("Channel 1 of"))
    size = "const i = document.getElementById('plane'); return [i.naturalWidth, i.naturalHeight]"
    until(cup, lambda: cup.execute_script(size) == [8, 6])


def test_the_download_is_the_file(cup: webdriver.Chrome) -> None:
    fetch = (
        "const done = arguments[0]; fetch(document.getElementById('download').href)"
        ".then(a => a.arrayBuffer()).then(b => done([...new Uint8Array(b)]))"
    )
    assert bytes(cup.execute_async_script(fetch)) == isthmus.encode(PHOTO)


def test_an_isth_file_is_shown_without_figures(cup: webdriver.Chrome, files: Path) -> None:
    choose(cup, files / "cup.isth")
    until(cup, lambda: text(cup, "about").startswith("cup.isth, 128 x 96 pixels."))
    assert "quality 70" in text(cup, "about")
    assert not cup.find_element(By.ID, "figures").is_displayed()
    assert cup.find_elements(By.CSS_SELECTOR, "#rows tr") == []


def test_a_damaged_file_gives_a_message_and_spoils_nothing(cup: webdriver.Chrome, files: Path) -> None:
    choose(cup, files / "broken.png")
    until(cup, lambda: "broken.png: " in text(cup, "error"))
    assert "cannot be read" in text(cup, "error")
    assert text(cup, "about") == "cup.png, 128 x 96 pixels."
    choose(cup, files / "cup.png")
    until(cup, lambda: text(cup, "error") == "")
    settled(cup)


def test_a_phone(cup: webdriver.Chrome) -> None:
    size = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    cup.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert cup.execute_script("return innerWidth") == 360
        assert cup.execute_script("return document.documentElement.scrollWidth") <= 360
        for name in ("drop", "quality", "download", "stage", "a", "b"):
            box = cup.find_element(By.ID, name).rect
            assert box["x"] >= 0, name
            assert box["x"] + box["width"] <= 360, name
    finally:
        cup.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
