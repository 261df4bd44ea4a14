"""Build pages that hold photographs beside what was drawn: screenshots, scans, slides and maps, six of each.

python scripts/make_mixed_pages.py tune DATA OUT     # of training pictures, to tune with
python scripts/make_mixed_pages.py measure DATA OUT  # of test pictures, to measure with

The same pictures make the same pages. DATA has train/, domain/figures, domain/aerial, test/kodak and test/screens.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

EACH = 6
"""Pages of a kind."""
SUFFIXES = (".png", ".webp", ".avif")
TEXT = (
    "the of and a to in is that for it with as was on are by this be at from or which an can not have river water "
    "mountain light pressure between market energy process cell value measure system number figure large small open "
    "file save window layer picture section report annual growth result theory method table north south valley lake "
    "forest station road bridge height surface colour change 1984 27 3.5 60% example however because within"
)
WORDS = TEXT.split()
Size = tuple[int, int]


@dataclass(frozen=True)
class Sources:
    """Where the parts of a set come from.

    Attributes:
        photographs, graphics, screens, grounds: files; screens are what photographs are shown upon, grounds are seen
            from above.
        seed: of all that is random.
    """

    photographs: Sequence[Path]
    graphics: Sequence[Path]
    screens: Sequence[Path]
    grounds: Sequence[Path]
    seed: int


def sources(kind: str, data: Path) -> Sources:
    """The parts of the set "tune" or "measure"."""
    figures, aerial = data / "domain" / "figures", data / "domain" / "aerial"
    if kind == "tune":
        graphics = _pictures(figures / "train")
        photographs = [path for shard in sorted((data / "train").glob("shard-*")) for path in _pictures(shard)[:200]]
        return Sources(photographs, graphics, graphics, _pictures(aerial / "train"), 1)
    screens = _pictures(data / "test" / "screens")
    return Sources(
        _pictures(data / "test" / "kodak"), _pictures(figures / "test"), screens, _pictures(aerial / "test"), 2
    )


def _pictures(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    if not found:
        raise SystemExit(f"{folder}: expected pictures, found none")
    return found


class Maker:
    """Makes one page.

    Args:
        parts: what it is made of.
        number: of the page within its kind.
        kind: number of the kind.
    """

    def __init__(self, parts: Sources, number: int, kind: int):
        self.rng = np.random.default_rng([parts.seed, kind, number])
        self.parts, self.number = parts, number
        self._turn = kind * EACH + number

    def photograph(self, size: Size) -> Image.Image:
        """A photograph that fills a size, its edges cut off."""
        return self._filling(self._any(self.parts.photographs), size)

    def ground(self, size: Size) -> Image.Image:
        """A piece of land from above."""
        return self._filling(self._any(self.parts.grounds), size)

    def graphic(self, size: Size) -> Image.Image:
        """A graphic as it is, with its edges cut off where it is larger than a size."""
        return self._cut(self._any(self.parts.graphics), size)

    def screen(self) -> Image.Image:
        """What a photograph is shown upon: at least 800 x 600 pixels."""
        picture = self._cut(self._any(self.parts.screens), (900, 700))
        canvas = Image.new("RGB", (max(picture.width, 800), max(picture.height, 600)), self.colour(90, 200))
        canvas.paste(picture, (0, 0))
        return canvas

    def among(self, low: int, high: int) -> int:
        """Any whole number from low to below high."""
        return int(self.rng.integers(low, high))

    def colour(self, low: int, high: int) -> tuple[int, int, int]:
        """Any, of levels from low to high."""
        red, green, blue = self.rng.integers(low, high, 3).tolist()
        return red, green, blue

    def write(self, page: Image.Image, box: tuple[int, int, int, int], size: int, ink: tuple[int, int, int]) -> None:
        """Fill a box (left, top, right, bottom) with words."""
        draw, font = ImageDraw.Draw(page), ImageFont.load_default(size)
        left, top, right, bottom = box
        while top + size * 1.3 <= bottom:
            line = self.word()
            while draw.textlength(longer := f"{line} {self.word()}", font) <= right - left:
                line = longer
            draw.text((left, top), line, ink, font)
            # Now and then a paragraph ends.
            top += round(size * (2.2 if self.rng.random() < 0.12 else 1.4))

    def word(self) -> str:
        return str(self.rng.choice(WORDS))

    def title(self) -> str:
        return " ".join(self.word() for _ in range(3)).capitalize()

    def _any(self, paths: Sequence[Path]) -> Image.Image:
        """A picture that no other page has, as long as there are enough."""
        order = np.random.default_rng(self.parts.seed).permutation(len(paths))
        with Image.open(paths[int(order[self._turn % len(paths)])]) as image:
            return image.convert("RGB")

    def _filling(self, image: Image.Image, size: Size) -> Image.Image:
        scale = max(size[0] / image.width, size[1] / image.height)
        whole = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
        return self._cut(whole, size)

    def _cut(self, image: Image.Image, size: Size) -> Image.Image:
        width, height = min(size[0], image.width), min(size[1], image.height)
        left, top = (image.width - width) // 2, (image.height - height) // 2
        return image.crop((left, top, left + width, top + height))


def screenshot(make: Maker) -> Image.Image:
    """A window with a photograph over a screen."""
    page = make.screen()
    width, height = make.among(340, 500), make.among(250, 380)
    left, top = make.among(0, page.width - width), make.among(30, page.height - height)
    draw = ImageDraw.Draw(page)
    draw.rectangle((left - 1, top - 29, left + width, top + height), make.colour(20, 90))
    draw.rectangle((left, top - 28, left + width - 1, top - 1), make.colour(190, 240))
    draw.text((left + 10, top - 22), f"{make.title()}.jpg", (20, 20, 20), ImageFont.load_default(14))
    page.paste(make.photograph((width, height)), (left, top))
    return page


def scan(make: Maker) -> Image.Image:
    """A printed page, turned a little, with noise; of every two, one is cleaned by its scanner."""
    page = Image.new("RGB", (640, 800), (255, 255, 255))
    size = make.among(12, 16)
    ImageDraw.Draw(page).text((40, 30), make.title(), (0, 0, 0), ImageFont.load_default(30))
    split = make.among(300, 460)
    make.write(page, (40, 80, 305, 770), size, (10, 10, 10))
    make.write(page, (335, split + 20, 600, 770), size, (10, 10, 10))
    page.paste(make.photograph((265, split - 80)), (335, 80))
    angle, paper = float(make.rng.uniform(0.1, 0.7)), np.asarray(make.colour(225, 245))
    page = page.filter(ImageFilter.GaussianBlur(0.6)).rotate(angle, Image.Resampling.BICUBIC, fillcolor=(255, 255, 255))
    noise = make.rng.normal(0, 1.5, (page.height, page.width, 3))
    levels = np.asarray(page) * (paper / 255) + noise
    if make.number % 2 == 0:
        # Paper becomes white, and ink black.
        levels = (levels - 24) * 255 / (paper - 30)
    return _image(levels)


def slide(make: Maker) -> Image.Image:
    """A title, points, a photograph and a graphic."""
    dark = make.number % 2 == 1
    page = Image.new("RGB", (800, 600), make.colour(10, 60) if dark else make.colour(235, 256))
    ink = (240, 240, 240) if dark else (20, 20, 40)
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, 800, 76), make.colour(20, 200))
    draw.text((30, 20), make.title(), (255, 255, 255), ImageFont.load_default(32))
    for row in range(5):
        draw.ellipse((32, 112 + 48 * row, 42, 122 + 48 * row), make.colour(100, 220))
        make.write(page, (54, 104 + 48 * row, 390, 134 + 48 * row), 19, ink)
    page.paste(make.graphic((350, 220)), (30, 360))
    page.paste(make.photograph((370, 450)), (410, 100))
    draw.text((410, 566), make.title(), ink, ImageFont.load_default(14))
    return page


def map_page(make: Maker) -> Image.Image:
    """Land with roads, names and a legend; of every two, one is shaded relief, the other seen from the air."""
    land = _relief(make, (640, 560)) if make.number % 2 == 0 else make.ground((640, 560))
    draw = ImageDraw.Draw(land)
    for width, colour in ((6, (230, 150, 60)), (5, (250, 220, 90)), (4, (255, 255, 255)), (3, (60, 110, 200))):
        points = np.cumsum(make.rng.normal(0, 35, (30, 2)) + make.rng.normal(0, 30, 2), 0) + make.rng.uniform(0, 560, 2)
        line = [(float(x), float(y)) for x, y in points]
        draw.line(line, (80, 60, 50), width + 2, "curve")
        draw.line(line, colour, width, "curve")
    for _ in range(18):
        place = float(make.rng.uniform(0, 560)), float(make.rng.uniform(0, 540))
        font = ImageFont.load_default(make.among(11, 19))
        draw.text(place, make.title(), (20, 20, 20), font, stroke_width=1, stroke_fill=(255, 255, 255))
    page = Image.new("RGB", (840, 560), (255, 255, 255))
    page.paste(land, (0, 0))
    ImageDraw.Draw(page).text((655, 15), make.word().capitalize(), (0, 0, 0), ImageFont.load_default(22))
    make.write(page, (655, 55, 830, 545), 14, (30, 30, 30))
    return page


def _relief(make: Maker, size: Size) -> Image.Image:
    """Heights of many scales, in the colours of heights, lit from the north-west."""
    heights = np.zeros(size[::-1])
    for cells in (4, 8, 16, 32, 64, 128, 256):
        noise = Image.fromarray(make.rng.normal(0, 1, (cells, cells)).astype(np.float32))
        heights += np.asarray(noise.resize(size, Image.Resampling.BICUBIC)) / cells
    slope = np.gradient(heights)
    light = np.clip(0.8 + 14 * (slope[0] + slope[1]), 0.35, 1.1)[..., None]
    place = np.interp(heights, np.quantile(heights, (0, 0.35, 0.7, 1)), (0, 1, 2, 3))
    tints = np.array([(120, 170, 120), (200, 210, 150), (190, 150, 100), (240, 238, 235)])
    colours = np.stack([np.interp(place, range(4), tints[:, channel]) for channel in range(3)], -1)
    return _image(colours * light)


def _image(levels: NDArray[np.float64]) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(levels), 0, 255).astype(np.uint8))


KINDS: dict[str, Callable[[Maker], Image.Image]] = {"screen": screenshot, "scan": scan, "slide": slide, "map": map_page}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("tune", "measure"))
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    parts = sources(arguments.kind, arguments.data)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for kind, (name, build) in enumerate(KINDS.items()):
        for number in range(EACH):
            build(Maker(parts, number, kind)).save(arguments.out / f"{name}-{number}.png")


if __name__ == "__main__":
    main()
