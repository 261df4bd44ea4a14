"""The coders of pictures, each with a permanent number, and the one that encodes."""

from isthmus.errors import ModelError
from isthmus.image.coders.lapped.coder import LappedCoder
from isthmus.image.coders.protocol import Coder
from isthmus.model.model import Model

CODERS: dict[int, Coder] = {1: LappedCoder()}
"""By the number that stands in files. Rows are added, never changed: what a coder wrote is decoded for ever."""
ENCODING = 1
"""The number of the coder of new files."""


def encoding_coder() -> Coder:
    """The coder of new files."""
    return CODERS[ENCODING]


def check_model(coder: Coder, model: Model) -> None:
    """Raise ModelError unless a model has all that a coder needs."""
    if missing := coder.needs - model.arrays.keys():
        raise ModelError(
            f"the model {model.name} does not fit the {coder.name} coder",
            expected=f"a model with {', '.join(sorted(coder.needs))}",
            got=f"none of {', '.join(sorted(missing))}",
        )
