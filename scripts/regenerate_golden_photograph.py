"""Write tests/golden/photograph_NAME_v1.{isth,png} anew: only until the weights of a release are settled."""

from pathlib import Path

from PIL import Image
from skimage import data

import isthmus
from isthmus.model import RELEASES

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
    for name in set(RELEASES.values()):
        file = GOLDEN / f"photograph_{name}_v1.isth"
        file.write_bytes(isthmus.Codec(model=name).encode(picture()))
        isthmus.decode_file(file, file.with_suffix(".png"), force=True)
