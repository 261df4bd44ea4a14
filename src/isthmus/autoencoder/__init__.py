"""The textbook's autoencoders: trained with PyTorch, used like any scikit-learn estimator, measured as compressors."""

from importlib.util import find_spec

from isthmus.errors import MissingExtraError

for _package in ("torch", "sklearn", "matplotlib", "tqdm"):
    if find_spec(_package) is None:
        raise MissingExtraError(
            f"isthmus.autoencoder needs {_package}", hint='Install it: pip install "isthmus[learn]"'
        )

from isthmus.autoencoder.compress import Compressor  # noqa: E402
from isthmus.autoencoder.data import Data, load_data  # noqa: E402
from isthmus.autoencoder.estimator import Autoencoder  # noqa: E402

__all__ = ["Autoencoder", "Compressor", "Data", "load_data"]
