"""Every error that isthmus raises on purpose, and nothing else.

    IsthmusError
    ├── BitstreamError          something is wrong with an .isth file
    │   ├── NotIsthmusError     it does not begin like one
    │   ├── TruncatedError      it ends too early
    │   ├── CorruptError        its bytes contradict themselves
    │   ├── TooNewError         it was written for a later version of isthmus
    │   └── UnknownModelError   it needs weights that are not installed
    ├── LimitExceededError      it is larger than the limits allow (they can be raised)
    ├── InputError              a picture or an argument that cannot be used
    │   └── UnsupportedPictureError   16 bits a channel, animation, ...: convert it first
    ├── ModelError              a model file that cannot be used
    ├── OutputExistsError       would overwrite a file
    ├── MissingExtraError       an optional dependency is not installed
    └── SelfCheckError          what was encoded did not decode; nothing was written

Each carries what was ``expected`` and what was ``got`` where that can be said, and a ``hint``: what to do.
"""

from typing import Any


class IsthmusError(Exception):
    """The root: ``except isthmus.IsthmusError`` catches every error of this package.

    Arguments:
        what: the problem, one clause.
        expected: what should have been there.
        got: what was there instead.
        hint: what the person can do about it, a sentence.
    """

    def __init__(self, what: str, *, expected: object = None, got: object = None, hint: str = "") -> None:
        self.what = what
        self.expected = expected
        self.got = got
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        message = self.what
        if self.expected is not None:
            message += f": expected {self.expected}"
        if self.got is not None:
            message += f"{',' if self.expected is not None else ':'} got {self.got}"
        return f"{message}. {self.hint}" if self.hint else message

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions pickle their positional arguments only; worker processes need the others as well.
        fields = {"expected": self.expected, "got": self.got, "hint": self.hint}
        return _rebuild, (type(self), self.what, fields)


def _rebuild(kind: type[IsthmusError], what: str, fields: dict[str, Any]) -> IsthmusError:
    return kind(what, **fields)


class BitstreamError(IsthmusError):
    """Something is wrong with an .isth file; its kinds say what."""


class NotIsthmusError(BitstreamError):
    """The bytes do not begin like an .isth file."""


class TruncatedError(BitstreamError):
    """The file ends before its end chunk."""


class CorruptError(BitstreamError):
    """The bytes contradict themselves: a check failed."""


class TooNewError(BitstreamError):
    """The file uses a version or a feature that this version of isthmus does not know."""


class UnknownModelError(BitstreamError):
    """The file was written with a model that is not installed; the message names its id."""


class LimitExceededError(IsthmusError):
    """A size is above the adjustable limits."""


class InputError(IsthmusError, ValueError):
    """A picture or an argument that cannot be used."""


class UnsupportedPictureError(InputError):
    """A kind of picture that isthmus refuses rather than damage."""


class ModelError(IsthmusError):
    """A model file that cannot be used."""


class OutputExistsError(IsthmusError):
    """The output file exists and overwriting was not asked for."""


class MissingExtraError(IsthmusError, ImportError):
    """An optional dependency is missing; the hint names the pip command."""


class SelfCheckError(IsthmusError):
    """What was encoded did not decode to the same latents: a fault of the machine or of isthmus, not of the picture."""
