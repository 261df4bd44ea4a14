"""Hashes of what a folder of pictures encodes to and decodes to: compare two versions of the code, line by line.

    python scripts/fingerprint.py FOLDER --qualities 20 50 85 --models best fast

Prints name, model, quality, bytes, the hash of the file and the hash of the decoded samples. Uses the public interface
alone, so that it runs beside any version. Between processors decoded samples may differ by a level.
"""

import argparse
import hashlib
from pathlib import Path

from PIL import Image

import isthmus


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--qualities", type=float, nargs="+", default=[20, 50, 85])
    parser.add_argument("--models", nargs="+", default=["best", "fast"])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    codecs = {name: isthmus.Codec(name, options.threads) for name in options.models}
    for path in sorted(options.folder.iterdir()):
        if path.suffix.lower() not in (".png", ".jpg", ".webp", ".tif", ".tiff"):
            continue
        with Image.open(path) as image:
            for name, codec in codecs.items():
                for quality in options.qualities:
                    data = codec.encode(image, quality)
                    hashes = [hashlib.sha256(part).hexdigest()[:16] for part in (data, codec.decode(data).tobytes())]
                    print(path.name, name, f"{quality:g}", len(data), *hashes, flush=True)


if __name__ == "__main__":
    main()
