"""The textbook's autoencoders: trained with PyTorch, used like any scikit-learn estimator, measured as compressors."""

from isthmus.extras import require

require("learn", ("torch", "sklearn", "matplotlib", "tqdm"), "isthmus.autoencoder needs")

from isthmus.autoencoder.compress import Compressor  # noqa: E402
from isthmus.autoencoder.data import Data, load_data  # noqa: E402
from isthmus.autoencoder.estimator import Autoencoder  # noqa: E402

__all__ = ["Autoencoder", "Compressor", "Data", "load_data"]
