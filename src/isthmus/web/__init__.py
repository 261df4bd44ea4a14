"""The local viewer: pictures dropped in a browser, beside what isthmus and its rivals make of them."""

from isthmus.extras import require


def load_web() -> None:
    """Raise MissingExtraError, naming the pip command, where the viewer's own libraries are missing."""
    from isthmus.bench import load_bench

    require("web", ("starlette", "uvicorn"), "the viewer needs")
    load_bench()
