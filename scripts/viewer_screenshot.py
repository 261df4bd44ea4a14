"""Take docs/viewer.webp: isthmus serve in headless Chromium with a photograph that scikit-image ships.

python scripts/viewer_screenshot.py
"""

import io
import sys
import tempfile
import threading
from pathlib import Path

from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from skimage import data

from isthmus.web.app import create_app
from isthmus.web.server import listen, server

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from browser import start  # noqa: E402 - the tests' browser

# The page says which codec it waits for, until all have answered.
SETTLED = "return document.querySelectorAll('#rows tr').length > 1 && !document.querySelector('#status').textContent"


def main() -> None:
    listener = listen("127.0.0.1", 0)
    running = server(create_app())
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    browser = start(1200, 1560)
    try:
        with tempfile.TemporaryDirectory() as folder:
            photo = Path(folder) / "coffee.png"
            Image.fromarray(data.coffee()).save(photo)
            browser.get(f"http://127.0.0.1:{listener.getsockname()[1]}/")
            browser.find_element(By.ID, "file").send_keys(str(photo))
            WebDriverWait(browser, 300).until(lambda chrome: chrome.execute_script(SETTLED))
        # JPEG on the left, isthmus on the right, at equal bytes and a zoom that shows the difference.
        browser.execute_script("state.a = 2; state.b = 1; show(); centre(1.5); scrollTo(0, 0)")
        shot = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
        shot.save(ROOT / "docs/viewer.webp", quality=80, method=6)
    finally:
        browser.quit()
        running.should_exit = True
        thread.join()


if __name__ == "__main__":
    main()
