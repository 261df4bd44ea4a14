"""The page of a sound: it needs nothing but itself, and a real browser plays and switches."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.support.ui import WebDriverWait

from bench.helpers import coarse
from browser import start
from isthmus.bench.compare import compare
from isthmus.bench.page import Comparison, part_of, table, write_page
from isthmus.bench.sound.clip import Clip
from isthmus.bench.sound.rivals import RIVALS
from isthmus.bench.subject import SOUNDS
from sounds import chord


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    levels = np.rint(np.tile(chord(22_050), (8, 1)) * 2**15)
    clip = Clip(np.asarray(levels / 2**15, np.float32), 44_100)
    rivals = [coarse("coarse", "Coarse"), RIVALS["flac"]]
    outcomes = compare(clip, coarse("isthmus", "isthmus", 2.0), rivals, 50, subject=SOUNDS, metrics=SOUNDS.quick)
    return Comparison("chord.wav", clip, outcomes, "bytes", 1, [("Opus", "its library is missing")])


@pytest.fixture(scope="module")
def opened(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    page = tmp_path_factory.mktemp("page") / "page.html"
    write_page([part_of(comparison)], page)
    chrome = start()
    chrome.get(page.as_uri())
    # A key that comes before the window has the focus is lost, and a sound of four seconds is soon over.
    ready = (
        "return document.hasFocus() && [...document.querySelectorAll('.player > audio')].every(a => a.readyState > 2)"
    )
    WebDriverWait(chrome, 30).until(lambda one: one.execute_script(ready))
    yield chrome
    chrome.quit()


def playing(chrome: webdriver.Chrome) -> list[int]:
    script = "return [...document.querySelectorAll('.player > audio')].flatMap((one, at) => one.paused ? [] : [at])"
    found: list[int] = chrome.execute_script(script)
    return found


def press(chrome: webdriver.Chrome, key: str, wanted: list[int]) -> None:
    ActionChains(chrome).send_keys(key).perform()
    WebDriverWait(chrome, 30).until(lambda one: playing(one) == wanted)


def place(chrome: webdriver.Chrome, index: int) -> float:
    script = "return document.querySelectorAll('.player > audio')[arguments[0]].currentTime"
    return float(chrome.execute_script(script, index))


def test_one_plays_at_a_time_and_goes_on_where_the_last_one_was(opened: webdriver.Chrome) -> None:
    press(opened, "1", [0])
    WebDriverWait(opened, 30).until(lambda one: place(one, 0) > 0.3)
    press(opened, "2", [1])
    assert place(opened, 1) >= 0.3
    press(opened, " ", [])
    line = float(opened.execute_script("return parseFloat(document.querySelector('.view i').style.left)"))
    assert line == pytest.approx(100 * place(opened, 1) / 4, abs=2)


def test_every_sound_and_picture_can_be_read(opened: webdriver.Chrome) -> None:
    script = "return [...document.querySelectorAll('.player > audio')].map(one => one.duration)"
    WebDriverWait(opened, 30).until(lambda one: all(one.execute_script(script)))
    assert opened.execute_script(script) == pytest.approx([4, 4, 4], abs=0.01)
    widths = "return [...document.querySelectorAll('.view img')].map(one => one.naturalWidth)"
    assert set(opened.execute_script(widths)) == {640}
    assert [entry for entry in opened.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_the_page_needs_no_network(comparison: Comparison, tmp_path: Path) -> None:
    write_page([part_of(comparison)], tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert not re.search(r"https?://|<link|<script src|@import|url\(", text)
    # The original, two codecs and what each lost; FLAC loses nothing, and is in the table alone.
    assert text.count("data:audio/flac") == 5


def test_the_table_says_what_was_measured_and_what_is_missing(comparison: Comparison) -> None:
    lines = table(comparison).splitlines()
    assert lines[0].split()[:6] == ["Codec", "Bytes", "Rate", "kbps", "LSD", "(dB)"]
    own = comparison.outcomes[0]
    size = len(own.data)
    assert lines[1].split()[1:4] == [f"{size:,}", f"{4 * 176_400 / size:.1f}:1", f"{8 * size / 4000:.1f}"]
    assert "lossless" in lines[3]
    assert "Opus is not here: its library is missing" in lines


def test_a_part_is_told_as_one(comparison: Comparison) -> None:
    part = part_of(replace(comparison, part="The middle 4.0 of 90.0 seconds"))
    assert part.lead.startswith("The middle 4.0 of 90.0 seconds, 2 channels at 44100 Hz. isthmus at quality 50")
