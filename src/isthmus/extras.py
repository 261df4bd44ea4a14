"""Optional dependencies: whether they are here, and the pip command that brings them."""

import importlib.util
from collections.abc import Sequence

from isthmus.errors import MissingExtraError
from isthmus.text import all_of


def require(extra: str, modules: Sequence[str], what: str, then: str = "") -> None:
    """Raise where modules of an extra are missing; nothing is imported.

    Args:
        extra: the extra of isthmus that has them, as in ``isthmus[bench]``.
        modules: top-level modules, by the names that they are imported by.
        what: what cannot be done without them, with its verb: "comparing needs".
        then: what else to do about it, a clause after the pip command.

    Raises:
        MissingExtraError: it names every missing module.
    """
    # By its name at each call, not bound once: whoever hides a module from the import system hides it here too.
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        hint = ", ".join([f'Install it: pip install "isthmus[{extra}]"', *([then] if then else [])])
        raise MissingExtraError(f"{what} {all_of(missing)}", hint=hint)
