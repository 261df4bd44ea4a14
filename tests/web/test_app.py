"""What the viewer answers, without a browser."""

import io
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image
from skimage import data
from starlette.testclient import TestClient

import isthmus
from isthmus.album import album, shown
from isthmus.bench.metrics import METRICS
from isthmus.bench.page import HEADS
from isthmus.data import PHOTOGRAPH, photograph
from isthmus.web import store
from isthmus.web.app import create_app
from pictures import text

PHOTO = data.coffee()[60:188, 200:376]
BASE = "http://127.0.0.1"


def as_png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def as_pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(threads=1, max_bytes=100_000, max_pixels=60_000), BASE) as client:
        yield client


def drop(client: TestClient, content: bytes, name: str = "cup.png") -> dict:
    answer = client.post(f"/pictures/?name={quote(name)}", content=content)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def cup(client: TestClient) -> str:
    return f"/pictures/{drop(client, as_png(PHOTO))['key']}"


def test_the_page_asks_nothing_of_others(client: TestClient) -> None:
    page = client.get("/")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for path in ("/static/viewer.js", "/static/viewer.css", "/static/serve.js", "/static/serve.css"):
        assert path in page.text
        text = client.get(path).text
        assert text
        assert "http://" not in text
        assert "https://" not in text


def test_what_is_dropped_is_described(client: TestClient) -> None:
    found = drop(client, as_png(PHOTO), "sub/cup of ä.png")
    assert (found["name"], found["width"], found["height"]) == ("cup of ä.png", 176, 128)
    assert found["shown"] == {"width": 176, "height": 128}
    assert found["codecs"] == ["isthmus", "jpeg", "webp", "avif-s6"]
    assert found["info"] is None
    shown = client.get(f"/pictures/{found['key']}/shown.webp")
    np.testing.assert_array_equal(as_pixels(shown.content), PHOTO)


def test_figures_are_of_the_file_that_would_be_written(client: TestClient, cup: str) -> None:
    own = client.get(f"{cup}/codecs/isthmus?quality=40").json()
    file = client.get(f"{cup}/file.isth?quality=40")
    assert own["bytes"] == len(file.content)
    assert own["bpp"] == pytest.approx(8 * own["bytes"] / (176 * 128))
    decoded = as_pixels(client.get(f"{cup}/codecs/isthmus/decoded.webp?quality=40").content)
    np.testing.assert_array_equal(decoded, isthmus.decode(file.content))
    figures = dict(zip(HEADS, own["cells"], strict=True))
    assert figures["PSNR (dB)"] == f"{METRICS['psnr'](PHOTO, decoded):.2f}"
    assert "cup.isth" in file.headers["Content-Disposition"]


@pytest.mark.parametrize("codec", ["jpeg", "webp", "avif-s6"])
def test_rivals_stand_at_equal_bytes(client: TestClient, cup: str, codec: str) -> None:
    own = client.get(f"{cup}/codecs/isthmus?quality=60").json()
    rival = client.get(f"{cup}/codecs/{codec}?quality=60").json()
    assert rival["bytes"] == pytest.approx(own["bytes"], rel=0.06)
    assert as_pixels(client.get(f"{cup}/codecs/{codec}/decoded.webp?quality=60").content).shape == PHOTO.shape


def test_the_map_of_bits(client: TestClient, cup: str) -> None:
    bits = client.get(f"{cup}/bits?quality=40").json()
    assert (bits["width"], bits["height"], bits["block"]) == (11, 8, 16)
    # Header and end of the file are no block's, and weigh a tenth of one as small as this.
    parts = isthmus.inspect(isthmus.encode(PHOTO, quality=40)).parts
    assert sum(bits["values"]) / 8 == pytest.approx(parts["latents"], rel=0.05)
    assert sum(parts.values()) == client.get(f"{cup}/codecs/isthmus?quality=40").json()["bytes"]


def test_a_page_of_text_is_said_to_be_sharp(client: TestClient) -> None:
    image, buffer = text(240, 160), io.BytesIO()
    image.save(buffer, "PNG")
    key = f"/pictures/{drop(client, buffer.getvalue(), 'page.png')['key']}"
    answer = client.get(f"{key}/codecs/isthmus?quality=60").json()
    assert "100 % in the sharp layer" in answer["settings"]
    bits = client.get(f"{key}/bits?quality=60").json()
    assert 0.85 < sum(bits["values"]) / 8 / answer["bytes"] < 1
    assert client.get(f"{key}/latents/0.png?quality=60").status_code == 422


def test_latent_channels(client: TestClient, cup: str) -> None:
    answer = client.get(f"{cup}/latents/0.png?quality=60")
    plane = as_pixels(answer.content)
    # The first channel is a lowest frequency: it looks like the picture, or like its negative.
    grey = np.asarray(Image.fromarray(PHOTO).convert("L").reduce(16))
    assert abs(np.corrcoef(plane.ravel(), grey.ravel())[0, 1]) > 0.9
    count = int(answer.headers["Isthmus-Channels"])
    assert client.get(f"{cup}/latents/{count - 1}.png").status_code == 200
    beyond = client.get(f"{cup}/latents/{count}.png")
    assert (beyond.status_code, "latent channel" in beyond.json()["error"]) == (422, True)


def test_an_isth_file(client: TestClient) -> None:
    file = isthmus.encode(PHOTO, 70)
    found = drop(client, file, "cup.isth")
    key = f"/pictures/{found['key']}"
    assert (found["info"]["quality"], found["info"]["bytes"]) == (70, len(file))
    np.testing.assert_array_equal(as_pixels(client.get(f"{key}/shown.webp").content), isthmus.decode(file))
    assert client.get(f"{key}/file.isth").content == file
    assert client.get(f"{key}/latents/3.png").status_code == 200
    refused = client.get(f"{key}/codecs/isthmus")
    assert (refused.status_code, "no original" in refused.json()["error"]) == (422, True)


def test_a_lossless_isth_file(client: TestClient) -> None:
    found = drop(client, isthmus.encode(PHOTO, lossless=True), "cup.isth")
    key = f"/pictures/{found['key']}"
    assert found["info"]["lossless"] is True
    np.testing.assert_array_equal(as_pixels(client.get(f"{key}/shown.webp").content), PHOTO)
    refused = client.get(f"{key}/latents/3.png")
    assert (refused.status_code, "the file has no latents" in refused.json()["error"]) == (422, True)


@pytest.mark.parametrize(("suffix", "name"), [("png", "PNG"), ("jpg", "JPEG")])
def test_what_is_decoded_is_downloaded(client: TestClient, cup: str, suffix: str, name: str) -> None:
    answer = client.get(f"{cup}/file.{suffix}?quality=40")
    assert f"cup.{suffix}" in answer.headers["Content-Disposition"]
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.format == name
        error = np.abs(np.asarray(image).astype(int) - isthmus.decode(isthmus.encode(PHOTO, 40)))
    assert error.mean() < (3 if name == "JPEG" else 1e-9)
    rows = {row["suffix"]: row for row in client.get(f"{cup}/formats?quality=40").json()}
    assert rows[suffix]["bytes"] == len(answer.content)
    assert rows[suffix]["cells"][0] == f"{len(answer.content):,}"


def test_a_page_is_downloaded(client: TestClient, cup: str) -> None:
    answer = client.get(f"{cup}/file.html?quality=40")
    assert "cup.html" in answer.headers["Content-Disposition"]
    assert answer.text == album([shown("cup.isth", isthmus.encode(PHOTO, 40))], "cup")


def test_weights_that_are_not_installed_make_no_page(other_model: Path) -> None:
    with TestClient(create_app(str(other_model), threads=1), BASE) as client:
        found = drop(client, as_png(PHOTO))
        assert found["suffixes"] == ["isth", "png", "jpg"]
        refused = client.get(f"/pictures/{found['key']}/file.html")
        assert (refused.status_code, "not installed" in refused.json()["error"]) == (422, True)
        # What was dropped encoded needs its own weights, if any.
        for file in (isthmus.encode(PHOTO), isthmus.encode(PHOTO, lossless=True)):
            assert "html" in drop(client, file, "cup.isth")["suffixes"]


def test_a_format_that_cannot_be_downloaded(client: TestClient, cup: str) -> None:
    answer = client.get(f"{cup}/file.bmp")
    assert (answer.status_code, "isth, html, png, jpg" in answer.json()["error"]) == (422, True)


def test_a_transparent_picture_is_no_jpeg(client: TestClient) -> None:
    glass = Image.fromarray(PHOTO)
    glass.putalpha(128)
    file = io.BytesIO()
    glass.save(file, "PNG")
    found = drop(client, file.getvalue(), "glass.png")
    assert found["suffixes"] == ["isth", "png", "html"]
    key = f"/pictures/{found['key']}"
    encoded = drop(client, client.get(f"{key}/file.isth").content, "glass.isth")
    assert encoded["suffixes"] == ["isth", "png", "html"]
    assert [row["suffix"] for row in client.get(f"{key}/formats").json()] == ["png"]
    refused = client.get(f"{key}/file.jpg")
    assert (refused.status_code, "transparency" in refused.json()["error"]) == (422, True)


def test_the_sample_is_the_photograph_of_the_package(client: TestClient) -> None:
    page = client.get("/")
    assert f'src="/{PHOTOGRAPH}"' in page.text
    answer = client.get(f"/{PHOTOGRAPH}")
    assert answer.content == photograph()
    assert as_pixels(answer.content).shape == (400, 600, 3)


def test_the_originals_bytes_are_told(client: TestClient) -> None:
    file = as_png(PHOTO)
    found = drop(client, file)
    size = len(file)
    assert found["bytes"] == size
    assert found["cells"] == [f"{size:,}", f"{PHOTO.size / size:.1f}:1", f"{8 * size / (176 * 128):.3f}"]


def test_a_large_picture_is_shown_by_its_middle_and_downloaded_whole(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "shown_window", lambda height, width: (32, 16, 96, 64))
    found = drop(client, as_png(PHOTO))
    key = f"/pictures/{found['key']}"
    assert (found["width"], found["shown"]) == (176, {"width": 64, "height": 48})
    np.testing.assert_array_equal(as_pixels(client.get(f"{key}/shown.webp").content), PHOTO[16:64, 32:96])
    whole = isthmus.inspect(client.get(f"{key}/file.isth").content)
    assert (whole.width, whole.height) == (176, 128)


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"", 422, "is empty"),
        (b"no picture", 422, "not a picture"),
        (as_png(PHOTO)[:2000], 422, "cannot be read"),
        (isthmus.encode(PHOTO)[:-9], 422, "ends"),
        (bytes(100_001), 413, "at most 100,000 bytes"),
        (as_png(np.zeros((250, 250), np.uint8)), 413, "60000 pixels"),
        (isthmus.encode(np.zeros((250, 250), np.uint8)), 413, "60000 pixels"),
    ],
)
def test_what_cannot_be_read_gives_a_message(client: TestClient, content: bytes, status: int, message: str) -> None:
    answer = client.post("/pictures/?name=x.png", content=content)
    assert answer.status_code == status
    assert message in answer.json()["error"]


@pytest.mark.parametrize("quality", ["x", "-1", "101", "nan", ""])
def test_a_quality_that_is_none(client: TestClient, cup: str, quality: str) -> None:
    answer = client.get(f"{cup}/codecs/isthmus?quality={quality}")
    assert (answer.status_code, "0 to 100" in answer.json()["error"]) == (422, True)


def test_unknown_codecs_and_pictures(client: TestClient, cup: str) -> None:
    assert client.get(f"{cup}/codecs/png").status_code == 422
    gone = client.get("/pictures/nothing/shown.webp")
    assert (gone.status_code, "Drop it again" in gone.json()["error"]) == (404, True)


def test_other_sites_are_kept_out(client: TestClient) -> None:
    refused = client.post("/pictures/", content=as_png(PHOTO), headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403
    rebound = client.get("/", headers={"Host": "evil.example"})
    assert rebound.status_code == 400


def test_the_store_gives_up_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "KEPT_BYTES", 3 * 3000)
    kept = store.Store()
    keys = [kept.put(store.Dropped("a", b"", np.zeros((20, 50, 3), np.uint8), 50, 20)) for _ in range(3)]
    assert kept.get(keys[0]) is not None
    newest = kept.put(store.Dropped("b", b"", np.zeros((20, 50, 3), np.uint8), 50, 20))
    assert [kept.get(key) is not None for key in [*keys, newest]] == [True, False, True, True]


def test_results_are_kept_for_a_while_only() -> None:
    dropped = store.Dropped("a", b"", np.zeros((2, 2, 3), np.uint8), 2, 2)
    made: list[float] = []
    for quality in [*range(20), 19, 0]:
        dials = store.Dials(quality)
        assert dropped.once("x", dials, lambda q=quality: made.append(q) or q) == quality
    assert made == [*range(20), 0]


def test_a_slow_visitor_does_not_hold_the_others_up(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, quick = (drop(client, as_png(PHOTO), name)["key"] for name in ("slow.png", "quick.png"))
    started, released = threading.Event(), threading.Event()
    original = store.Studio.outcome

    def outcome(self: store.Studio, dropped: store.Dropped, codec: str, dials: store.Dials) -> object:
        if dropped.name == "slow.png":
            started.set()
            assert released.wait(30)
        return original(self, dropped, codec, dials)

    monkeypatch.setattr(store.Studio, "outcome", outcome)
    answers: list[int] = []

    def visit() -> None:
        answers.append(client.get(f"/pictures/{slow}/codecs/isthmus").status_code)

    # More requests for one picture than there are places at work.
    visitors = [threading.Thread(target=visit) for _ in range(8)]
    for visitor in visitors:
        visitor.start()
    assert started.wait(30)
    begun = time.monotonic()
    assert client.get(f"/pictures/{quick}/codecs/isthmus").status_code == 200
    assert time.monotonic() - begun < 20
    assert answers == []
    released.set()
    for visitor in visitors:
        visitor.join()
    assert answers == [200] * 8
    assert json.loads(client.get(f"/pictures/{slow}/codecs/isthmus").text)["label"] == "isthmus"


@pytest.fixture(scope="module")
def tuned(tuned_model: Path) -> Iterator[TestClient]:
    """Of a model that has a second dial."""
    with TestClient(create_app(str(tuned_model), threads=1), BASE) as client:
        yield client


def test_the_second_dial_is_there_if_the_weights_have_it(tuned: TestClient, request: pytest.FixtureRequest) -> None:
    page = tuned.get("/").text
    assert '<input id="tune" type="range" min="0" max="1"' in page
    assert '<output id="shown-tune" for="tune">eye</output>' in page
    request.getfixturevalue("no_tune")
    with TestClient(create_app("fast", threads=1), BASE) as without:
        assert 'id="tune"' not in without.get("/").text


def test_the_second_dial_turns_all_that_is_made(tuned: TestClient, tuned_model: Path) -> None:
    key = f"/pictures/{drop(tuned, as_png(PHOTO))['key']}"
    found: dict[str, tuple[object, ...]] = {}
    for tune, said in (("0", "psnr"), ("0.5", "0.5"), ("eye", "eye")):
        dials = f"quality=60&tune={tune}"
        own = tuned.get(f"{key}/codecs/isthmus?{dials}").json()
        file = tuned.get(f"{key}/file.isth?{dials}").content
        assert file == isthmus.encode(PHOTO, 60, tune=said if said in ("psnr", "eye") else 0.5, model=tuned_model)
        assert (own["bytes"], own["label"]) == (len(file), "isthmus" if said == "eye" else f"isthmus tune {said}")
        assert f" tune {said}. " in own["settings"]
        decoded = as_pixels(tuned.get(f"{key}/codecs/isthmus/decoded.webp?{dials}").content)
        np.testing.assert_array_equal(decoded, isthmus.decode(file, model=tuned_model))
        bits = tuned.get(f"{key}/bits?{dials}").json()
        assert bits["label"] == f"isthmus at quality 60, tune {said}"
        plane = tuned.get(f"{key}/latents/4.png?{dials}")
        assert plane.status_code == 200
        found[said] = file, tuple(bits["values"]), plane.content
    for parts in zip(*found.values(), strict=True):
        assert len(set(parts)) == 3
    assert tuned.get(f"{key}/file.isth?quality=60").content == found["eye"][0]


def test_an_isth_file_says_its_tune(tuned: TestClient, tuned_model: Path) -> None:
    dropped = drop(tuned, isthmus.encode(PHOTO, 70, tune="psnr", model=tuned_model), "cup.isth")
    assert dropped["info"]["tune"] == 0
    assert tuned.get(f"/pictures/{dropped['key']}/latents/3.png").status_code == 200


@pytest.mark.parametrize("tune", ["x", "-1", "2", "nan", ""])
def test_a_tune_that_is_none(tuned: TestClient, tune: str) -> None:
    key = f"/pictures/{drop(tuned, as_png(PHOTO))['key']}"
    answer = tuned.get(f"{key}/codecs/isthmus?tune={tune}")
    assert (answer.status_code, "psnr or eye" in answer.json()["error"]) == (422, True)


@pytest.mark.usefixtures("no_tune")
def test_a_tune_of_weights_without_the_dial(client: TestClient, cup: str) -> None:
    answer = client.get(f"{cup}/codecs/isthmus?tune=psnr")
    assert (answer.status_code, "has no second dial" in answer.json()["error"]) == (422, True)
