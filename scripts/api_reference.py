"""Build the API reference from the docstrings: python scripts/api_reference.py api, and open api/index.html.

It needs pdoc, which the extra `dev` brings.
"""

import argparse
import importlib
from pathlib import Path

import pdoc

import isthmus

TEMPLATES = Path(__file__).parents[1] / "docs" / "api"
MODULES = (
    "isthmus",
    "isthmus.pillow_plugin",
    "isthmus.datasets",
    "isthmus.distributed",
    "isthmus.quality",
    "isthmus.likeness",
    "isthmus.rate_control",
    "isthmus.model.registry",
    "isthmus.model.installed",
    "isthmus.model.model",
    "isthmus.train.run",
    "isthmus.train.options",
    "isthmus.train.config",
    "isthmus.train.gain",
    "isthmus.train.delta",
    "isthmus.bench.run",
    "isthmus.bench.compare",
    "isthmus.bench.rivals",
    "isthmus.bench.metric",
    "isthmus.bench.metrics",
    "isthmus.bench.subject",
    "isthmus.bench.curves",
    "isthmus.bench.codec",
    "isthmus.bench.timing",
    "isthmus.autoencoder",
)
"""What is there to be used from outside; of a package its `__all__`, of a module all that has no underscore."""


def resolve() -> None:
    """Load the names that `isthmus` loads when they are first used, which pdoc does not, and what starts programs when
    it is first loaded, which pdoc forbids: matplotlib lists this machine's fonts."""
    importlib.import_module("matplotlib.font_manager")
    for name in isthmus.__all__:
        getattr(isthmus, name)


def build(folder: Path) -> None:
    """Write one page for each module, and a search, into a folder."""
    resolve()
    pdoc.render.configure(docformat="google", show_source=False, template_directory=TEMPLATES)
    pdoc.pdoc(*MODULES, output_directory=folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the pages go")
    build(parser.parse_args().folder)


if __name__ == "__main__":
    main()
