"""Write tests/golden/photograph_v1.{isth,png} anew: only when the weights of a release are settled, never after it."""

from pathlib import Path

from PIL import Image
from skimage import data

import isthmus

GOLDEN = Path(__file__).parent.parent / "tests" / "golden"


def picture() -> Image.Image:
    """99x70 pixels with transparency and a comment in EXIF."""
    image = Image.fromarray(data.astronaut()[100:170, 180:279])
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    exif = Image.Exif()
    exif[0x010E] = "golden"
    image.info["exif"] = exif.tobytes()
    return image


if __name__ == "__main__":
    file = GOLDEN / "photograph_v1.isth"
    file.write_bytes(isthmus.encode(picture()))
    isthmus.decode_file(file, file.with_suffix(".png"), force=True)
