"""A headless Chromium for the tests of pages."""

import shutil

from selenium import webdriver
from selenium.webdriver.chrome.service import Service


def start(width: int = 1000, height: int = 900) -> webdriver.Chrome:
    """A browser whose window has this size in pixels; the caller quits it."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert chromium, "these tests need chromium: apt-get install chromium chromium-driver"
    assert driver, "these tests need chromedriver: apt-get install chromium chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument(f"--window-size={width},{height}")
    options.add_argument("--force-device-scale-factor=1")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options, Service(driver))
