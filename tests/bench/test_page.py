"""The comparison page: it needs nothing but itself, and a real browser moves its slider."""

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from bench.helpers import isthmus_double, photo
from browser import start
from isthmus.bench.compare import Outcome, compare
from isthmus.bench.metrics import measure
from isthmus.bench.page import Comparison, means, part_of, pixels_for, table, write_page
from isthmus.bench.rivals import RIVALS
from isthmus.bench.shown import PAGE_PIXELS, data_url, shown_window

RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (30, 200, 30)


def plain(colour: tuple[int, int, int], height: int = 160, width: int = 240) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def outcome(name: str, label: str, decoded: np.ndarray, original: np.ndarray) -> Outcome:
    rival = isthmus_double("webp", name, label)
    return Outcome(rival, "1.0", 50, b"x" * 1000, decoded, measure(original, decoded), 0.1, 0.2)


@pytest.fixture(scope="module")
def coloured() -> Comparison:
    """A red original, a blue isthmus and a green rival: what is seen where cannot be mistaken."""
    original = plain(RED)
    bits = np.zeros((10, 15), np.float32)
    bits[:, :5] = 100
    outcomes = [outcome("isthmus", "isthmus", plain(BLUE), original), outcome("webp", "WebP", plain(GREEN), original)]
    return Comparison("colours.png", original, outcomes, "bytes", 1, [("JPEG XL", "its package is missing")], bits)


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    chrome = start()
    yield chrome
    chrome.quit()


@pytest.fixture
def opened(browser: webdriver.Chrome, coloured: Comparison, tmp_path: Path) -> webdriver.Chrome:
    write_page([part_of(coloured)], tmp_path / "page.html")
    browser.get((tmp_path / "page.html").as_uri())
    return browser


def seen(browser: webdriver.Chrome, x: float, y: float = 0.25) -> str:
    """The nearest of red, green and blue at a place of the stage, in shares of its width and height."""
    shot = Image.open(io.BytesIO(browser.find_element(By.ID, "stage").screenshot_as_png)).convert("RGB")
    pixel = shot.getpixel((int(x * shot.width), int(y * shot.height)))
    return ("red", "green", "blue")[int(np.argmax(pixel))]


def drag(browser: webdriver.Chrome, share: float) -> None:
    stage = browser.find_element(By.ID, "stage")
    handle = browser.find_element(By.ID, "handle")
    ActionChains(browser).drag_and_drop_by_offset(handle, round(share * stage.size["width"]), 0).perform()


def drawn(browser: webdriver.Chrome, x: int, y: int) -> list[int]:
    """One pixel of the error or bits map as it was drawn, before any zoom."""
    context = "document.getElementById('map').getContext('2d')"
    script = f"return [...{context}.getImageData(arguments[0], arguments[1], 1, 1).data]"
    pixel: list[int] = browser.execute_script(script, x, y)
    return pixel


def press(browser: webdriver.Chrome, view: str) -> None:
    browser.find_element(By.CSS_SELECTOR, f"[data-view={view}]").click()


def test_the_slider_moves_what_is_seen(opened: webdriver.Chrome) -> None:
    assert (seen(opened, 0.35), seen(opened, 0.65)) == ("red", "blue")
    drag(opened, -0.25)
    assert (seen(opened, 0.2), seen(opened, 0.35), seen(opened, 0.65)) == ("red", "blue", "blue")
    drag(opened, 0.5)
    assert (seen(opened, 0.35), seen(opened, 0.65), seen(opened, 0.8)) == ("red", "red", "blue")
    assert opened.find_element(By.ID, "handle").get_attribute("aria-valuenow") == "75"


def test_the_slider_listens_to_the_keyboard(opened: webdriver.Chrome) -> None:
    opened.find_element(By.ID, "handle").send_keys(Keys.ARROW_LEFT * 12)
    assert opened.find_element(By.ID, "handle").get_attribute("aria-valuenow") == "26"
    assert seen(opened, 0.35) == "blue"


def test_flip_shows_the_one_then_the_other(opened: webdriver.Chrome) -> None:
    press(opened, "flip")
    assert (seen(opened, 0.35), seen(opened, 0.65)) == ("red", "red")
    opened.find_element(By.ID, "stage").click()
    assert (seen(opened, 0.35), seen(opened, 0.65)) == ("blue", "blue")


def test_side_by_side_shows_both_and_zooms_in_step(opened: webdriver.Chrome) -> None:
    press(opened, "pair")
    assert (seen(opened, 0.25, 0.5), seen(opened, 0.75, 0.5)) == ("red", "blue")
    opened.find_element(By.ID, "in").click()
    left, right = (opened.find_element(By.ID, name).value_of_css_property("transform") for name in ("ia", "ic"))
    assert left == right
    assert left.startswith("matrix(")


def test_another_codec_can_be_chosen(opened: webdriver.Chrome) -> None:
    opened.find_element(By.ID, "b").send_keys("WebP")
    assert seen(opened, 0.65) == "green"
    opened.find_element(By.ID, "swap").click()
    assert (seen(opened, 0.35), seen(opened, 0.65)) == ("green", "red")


def test_zoom_keeps_the_middle_and_doubles(opened: webdriver.Chrome) -> None:
    def scale() -> float:
        return float(opened.find_element(By.ID, "ia").value_of_css_property("transform")[7:].split(",")[0])

    before = scale()
    opened.find_element(By.ID, "in").click()
    assert scale() == pytest.approx(2 * before)
    opened.find_element(By.ID, "one").click()
    assert scale() == 1


def test_the_error_map_is_drawn_from_the_pixels(opened: webdriver.Chrome) -> None:
    press(opened, "error")
    WebDriverWait(opened, 10).until(lambda chrome: "Root mean square" in chrome.find_element(By.ID, "legend").text)
    # The root mean square of red against blue is 139 levels; at a gain of 8 that is the brightest colour.
    assert drawn(opened, 9, 9) == [252, 255, 164, 255]


def test_the_bits_map_is_bright_where_the_bits_went(opened: webdriver.Chrome) -> None:
    press(opened, "bits")
    assert sum(drawn(opened, 1, 5)) > sum(drawn(opened, 12, 5)) + 300
    assert "bits per pixel" in opened.find_element(By.ID, "legend").text


def test_the_browser_has_nothing_to_complain_of(opened: webdriver.Chrome) -> None:
    assert [entry["message"] for entry in opened.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_the_page_needs_no_network(coloured: Comparison, tmp_path: Path) -> None:
    write_page([part_of(coloured)], tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert not re.search(r"https?://|<link|<script src|@import|url\(", text)
    assert text.count("data:image/webp;base64,") == 3


def test_what_the_page_holds_is_what_was_decoded(tmp_path: Path) -> None:
    original = photo("chelsea", 64, 80)
    url = data_url(original)
    assert url.startswith("data:image/webp;base64,")
    decoded = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")
    assert np.array_equal(np.asarray(decoded), original)


def test_a_large_picture_shows_its_middle_on_the_grid_of_the_bits() -> None:
    left, top, right, bottom = shown_window(4000, 6001)
    assert (right - left) * (bottom - top) <= PAGE_PIXELS
    assert not any(edge % 16 for edge in (left, top, right, bottom))
    assert abs((left + right) / 2 - 3000) < 32
    assert abs((top + bottom) / 2 - 2000) < 32
    assert shown_window(100, 200) == (0, 0, 200, 100)


def test_the_table_says_what_was_measured_and_what_is_missing(coloured: Comparison) -> None:
    lines = table(coloured).splitlines()
    assert lines[0].split()[:4] == ["Codec", "Bytes", "Rate", "bpp"]
    assert lines[1].split()[:4] == ["isthmus", "1,000", "115.2:1", "0.208"]
    assert "JPEG XL is not here: its package is missing" in lines


def test_a_distance_is_not_told_as_a_negative_quality(tmp_path: Path) -> None:
    original = photo("chelsea", 176, 208)
    jxl = replace(outcome("jxl", "JPEG XL", original, original), rival=RIVALS["jxl"], quality=-2.5)
    comparison = Comparison("a.png", original, [outcome("isthmus", "isthmus", original, original), jxl], "bytes", 1)
    assert table(comparison).splitlines()[2].endswith("distance 2.5")
    write_page([part_of(comparison)], tmp_path / "page.html")
    assert "-2.5" not in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_table_fits_the_window(browser: webdriver.Chrome, coloured: Comparison, tmp_path: Path, width: int) -> None:
    write_page([part_of(coloured)], tmp_path / "page.html")
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.get((tmp_path / "page.html").as_uri())
        script = "const t = document.querySelector('.scroll'); return [t.scrollWidth, t.clientWidth, innerWidth]"
        wanted, given, window = browser.execute_script(script)
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert wanted <= given <= window == width


def test_a_real_comparison_makes_a_page(tmp_path: Path) -> None:
    original = photo("chelsea", 176, 208)
    outcomes = compare(original, isthmus_double("webp"), [RIVALS["jpeg"], RIVALS["png"]], 60)
    write_page([part_of(Comparison("chelsea.png", original, outcomes, "bytes", 1))], tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "JPEG 4:2:0" in text
    assert "lossless" in text
    assert 'data-view="bits"' not in text


def test_several_pictures_are_one_page(browser: webdriver.Chrome, coloured: Comparison, tmp_path: Path) -> None:
    original = plain(GREEN, 80, 96)
    other = Comparison("other.png", original, [outcome("isthmus", "isthmus", plain(RED, 80, 96), original)], "bytes", 1)
    write_page([part_of(coloured), part_of(other)], tmp_path / "page.html")
    browser.get((tmp_path / "page.html").as_uri())
    assert browser.find_element(By.TAG_NAME, "h1").text == "2 pictures"
    buttons = browser.find_elements(By.CSS_SELECTOR, "#list button")
    assert [button.find_element(By.TAG_NAME, "b").text for button in buttons] == [coloured.name, "other.png"]
    shown = "return [DATA.width, DATA.pictures.length, Boolean(DATA.bits)]"
    assert browser.execute_script(shown) == [240, 3, True]
    press(browser, "bits")
    browser.find_element(By.CSS_SELECTOR, "#list button:last-child").click()
    assert browser.execute_script(shown) == [96, 2, False]
    assert browser.execute_script("return view()") == "split"
    displayed = [part.text for part in browser.find_elements(By.CSS_SELECTOR, "p[data-part]") if part.is_displayed()]
    assert len(displayed) == 1
    assert displayed[0].startswith("other.png, 96 x 80 pixels")
    assert [entry["message"] for entry in browser.get_log("browser")] == []


def test_means_are_of_codecs_that_took_every_picture(coloured: Comparison) -> None:
    original = plain(GREEN, 80, 96)
    other = Comparison("other.png", original, [outcome("isthmus", "isthmus", original, original)], "bytes", 1)
    head, *rows = means([part_of(coloured), part_of(other)])
    assert [row[0] for row in rows] == ["isthmus"]
    error = coloured.outcomes[0].metrics["mse"] / 2
    pixels = 160 * 240 + 80 * 96
    assert rows[0][:5] == ["isthmus", "2,000", f"{3 * pixels / 2000:.1f}:1", f"{16000 / pixels:.3f}", f"{error:.2f}"]
    assert head[:5] == ["Codec", "Bytes", "Rate", "bpp", "MSE"]


def test_the_originals_bytes_stand_beside_the_others(coloured: Comparison, tmp_path: Path) -> None:
    known = replace(coloured, file_bytes=12_345)
    assert table(known).splitlines()[1].split() == ["Original", "12,345", "9.3:1", "2.572"]
    write_page([part_of(known)], tmp_path / "page.html")
    assert "12,345 bytes" in (tmp_path / "page.html").read_text()
    assert "Original" not in table(coloured)


def test_many_pictures_are_shown_in_parts(coloured: Comparison) -> None:
    assert pixels_for(1) == PAGE_PIXELS >= pixels_for(10) >= pixels_for(1000) == 300_000
    data = part_of(coloured, 10_000).data
    assert data["width"] * data["height"] <= 10_000
    assert (data["bits"]["width"] * 16, data["bits"]["height"] * 16) == (data["width"], data["height"])


def test_a_name_that_is_no_text(coloured: Comparison, tmp_path: Path) -> None:
    write_page([part_of(replace(coloured, name="photo\udcff.png"))], tmp_path / "page\udcff.html")
    assert "photo?.png" in (tmp_path / "page\udcff.html").read_text(encoding="utf-8")
