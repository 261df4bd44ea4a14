"""The entropy models that there are, by the names that stand in model files: functions that give their definitions.

To add one, or a layer to one, is to add a row to `KINDS`. Models name their kind: those of the others are still read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from isthmus.coding.boards import CHECKERBOARD, LATTICES
from isthmus.coding.definition import Block, Definition, Input, Neighbourhood, Pass
from isthmus.coding.formats import BYTES, Format

TUNED = "tuned-lattices-and-boards"
"""The kind of pictures: a second set of biases, for a second dial."""
ENVELOPE = "envelope-and-boards"
"""The kind of models whose first group says how large the latents of the others are."""

AROUND = Neighbourhood("dc.near", (5, 5), highpass=(3, 3))
"""What the first group of pictures sees: what neighbours share says nothing about the groups after it."""
AROUND_LEVELS = Neighbourhood("dc.near", (5, 5), highpass=None)
"""What a first group of levels sees: it is the levels as they are that the groups after it hang on."""


def lattices_and_boards(
    groups: tuple[int, ...],
    points: int,
    lattice_width: int,
    width: int,
    form: Format = BYTES,
    name: str = TUNED,
) -> Definition:
    """The entropy model of pictures: five passes over ever finer lattices for the first group, seen by their known
    neighbours; then for each group two halves of a checkerboard (He et al., "Checkerboard context model for efficient
    learned image compression", CVPR 2021), from all groups before it (Minnen and Singh, "Channel-wise autoregressive
    entropy models for learned image compression", ICIP 2020) and, in the second half, from the first.

    Args:
        groups: channels coded together, in order.
        points: quality points.
        lattice_width: width of the networks of the first group.
        width: of the others.
        form: of the numbers.
        name: of the kind: what sets it apart is in this function.
    """
    n, around = groups[0], AROUND_LEVELS if name == ENVELOPE else AROUND
    passes = [
        Pass(
            name=f"dc.{phase}",
            group=0,
            first=0,
            channels=n,
            board=LATTICES,
            phase=phase,
            neighbours=around,
            width=lattice_width,
            enter="first",
            inputs=(Input("first", around.taps * (n + 1)),),
            blocks=(Block("second"),),
        )
        for phase in LATTICES.phases
    ]
    for group, channels in enumerate(groups[1:], 1):
        before = sum(groups[:group])
        for phase in CHECKERBOARD.phases:
            half = (Input("half", 2 * channels),) if phase else ()
            passes.append(
                Pass(
                    name=f"ac.{group}.{phase}",
                    group=group,
                    first=before,
                    channels=channels,
                    board=CHECKERBOARD,
                    phase=phase,
                    neighbours=None,
                    width=width,
                    enter="project",
                    inputs=(Input("known", 2 * before), *half),
                    blocks=(Block("spatial", (3, 3)), Block("mix")),
                )
            )
    return Definition(name, groups, points, tuple(passes), form, tuned=name == TUNED)


@dataclass(frozen=True)
class Kind:
    """An entropy model whose sizes are still open.

    Attributes:
        build: build(groups, points, widths, form).
        widths: for each of the widths an array of a model file whose last axis has it.
        least_groups: the fewest groups that it can be built with.
    """

    build: Callable[[tuple[int, ...], int, tuple[int, ...], Format], Definition]
    widths: tuple[str, ...]
    least_groups: int = 1


def _boards(name: str) -> Kind:
    return Kind(
        lambda groups, points, widths, form: lattices_and_boards(groups, points, widths[0], widths[1], form, name),
        ("context.dc.0.quality", "context.ac.1.0.quality"),
        least_groups=2,
    )


KINDS: dict[str, Kind] = {name: _boards(name) for name in (TUNED, ENVELOPE)}
"""By the name that stands in model files. Rows are added, never changed."""


def definition_of(
    name: str, groups: tuple[int, ...], points: int, shapes: Mapping[str, tuple[int, ...]], form: Format = BYTES
) -> Definition:
    """The definition of stored networks: their widths are read off the shapes of their arrays, 0 where one is missing.

    Args:
        name: of their kind.
        shapes: by the arrays' names in the model file.
        form: of their numbers.

    Raises:
        KeyError: there is no such kind.
    """
    kind = KINDS[name]
    return kind.build(groups, points, tuple((shapes.get(one) or (0,))[-1] for one in kind.widths), form)
