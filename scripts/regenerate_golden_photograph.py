"""Write the missing ones of tests/golden/photograph_ID.{isth,png}, one for every model of pictures in the package."""

from pathlib import Path

from PIL import Image
from skimage import data

import isthmus
from isthmus.media import DEFAULT
from isthmus.model.registry import packaged_model, releases

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
    for identity in releases():
        file = GOLDEN / f"photograph_{identity}.isth"
        if packaged_model(identity).medium == DEFAULT and not file.exists():
            file.write_bytes(isthmus.Codec(model=identity).encode(picture()))
            isthmus.decode_file(file, file.with_suffix(".png"), force=True)
