"""The configuration of one training run: a frozen dataclass, kept whole in every checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from math import lcm
from typing import Any

from isthmus.coding.definition import Definition
from isthmus.coding.formats import BYTES
from isthmus.coding.kinds import TUNED, lattices_and_boards
from isthmus.errors import InputError
from isthmus.image.coders.masking import DC_CHANNELS, PLAIN_WEIGHT
from isthmus.image.coders.separable.gains import LARGEST_FLOOR, LARGEST_POWER
from isthmus.image.grid import BLOCK


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of the networks; everything that the weights' sizes depend on."""

    latents: int = 384
    """Latent channels per 16x16 block, of 768 that a lossless transform would need."""
    groups: tuple[int, ...] = (3, 13, 48, 112, 208)
    """Channels coded together; the first group holds the three DC coefficients."""
    points: int = 9
    """Quality points between which steps and biases are interpolated."""
    coarsest_step: float = 300.0
    """Quantization step at quality 0, in grey levels of an orthonormal transform."""
    finest_step: float = 4.0
    """Quantization step at quality 100."""
    context_width: int = 128
    """Channels of the context network."""
    dc_width: int = 64
    """Channels of the network that predicts DC coefficients."""
    trunk_width: int = 160
    """Channels of the synthesis network at 1/16 of the resolution."""
    trunk_blocks: int = 2
    """Residual blocks of the synthesis network at 1/16."""
    corrected: int = 384
    """Coefficients, from the first, that the synthesis network at 1/16 corrects."""
    grid_width: int = 32
    """Channels of the synthesis network on the 1/4-resolution grid."""
    grid_hidden: int = 48
    """Channels that each 3x3 convolution there makes of them."""
    grid_blocks: int = 4
    """3x3 convolutions of the synthesis network on that grid."""
    gain_floor: int = 2800
    """Squared sixteenths of a step, summed over the second group, that count as no texture."""
    gain_power: int = 13
    """Hundredths: in texture, latents are coded in steps as much larger as its amplitude to twice this."""
    trellis: bool = True
    """Symbols of all but the lowest scale indices are of a trellis: some 4 % fewer bytes, and more time to encode."""

    @property
    def entropy(self) -> Definition:
        """The entropy model's networks."""
        return lattices_and_boards(self.groups, self.points, self.dc_width, self.context_width, BYTES, TUNED)

    @property
    def first_gained(self) -> int:
        """The first latent channel that is coded relative to a gain; `latents` where there is no third group."""
        return sum(self.groups[:2])


@dataclass(frozen=True)
class TrainConfig:
    """What a run does; `network` says what it trains."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    crop: int = 256
    """Side of a training crop in pixels, a multiple of 16."""
    batch: int = 8
    """Crops per step."""
    learning_rate: float = 1e-3
    """Peak rate of AdamW and Muon."""
    muon: bool = True
    """Train the networks' matrices with Muon instead of AdamW."""
    context_rate: float = 0.5
    """Rate of the entropy model, relative to `learning_rate`."""
    warmup_steps: int = 100
    """Steps of linear warm-up."""
    ema: float = 0.999
    """Decay of the moving average of the weights that is evaluated and exported."""
    distortion_weight: float = PLAIN_WEIGHT
    """Bits in the loss that a squared error of one nominal step in a latent is worth."""
    clip: float = 1.0
    """Bound on the gradient's norm."""
    seed: int = 0
    """Of the initial weights, the crops and the qualities."""
    window: int = 1024
    """Longest side of what is kept of a picture, in pixels: of larger ones random windows, others in each round, and
    as many as they hold beside each other while memory lasts."""
    memory_mb: int = 2048
    """Pixels held in memory; a folder that needs more is worked through in rounds of a part each."""
    round_steps: int = 2000
    """Steps of a round."""
    held_out: int = 24
    """Most pictures held out for measuring: one in twelve, at least one."""
    held_out_side: int = 512
    """Longest side that is measured of a held-out picture, in pixels."""
    qualities: tuple[int, ...] = (5, 18, 31, 44, 57, 70, 85)
    """Where the held-out pictures are measured, of 100."""
    checks: int = 6
    """Quick measurements in the course of a run: every second quality, on a few pictures."""
    check_pictures: int = 4
    """Held-out pictures of a quick measurement."""
    fit_at: tuple[float, ...] = (0.15, 0.5)
    """Parts of the run after which the costs of symbols are measured anew; the tables at the end always are."""
    fit_pictures: int = 64
    """Training pictures that are coded for that."""
    fit_side: int = 384
    """Longest side that is coded of each, in pixels."""

    def as_dict(self) -> dict[str, Any]:
        """This configuration as plain JSON types."""
        return asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> TrainConfig:
        """The configuration that `as_dict` wrote.

        Raises:
            InputError: another version of isthmus wrote it, with settings that this one does not know.
        """
        try:
            # Runs of before there was one have no trellis.
            network = NetworkConfig(**{"trellis": False, **_with_tuples(values["network"])})
            return TrainConfig(**{**_with_tuples(values), "network": network})
        except (TypeError, KeyError) as error:
            raise InputError(
                "the settings are of another version of isthmus",
                got=error,
                hint="`isthmus train --from` the model file that the run wrote starts another one from its weights.",
            ) from error

    def changed(self, settings: Mapping[str, str]) -> TrainConfig:
        """This configuration with some fields set from text, `crop` or `network.latents` say.

        Raises:
            InputError: there is no such field, or the text is no such value.
        """
        values: dict[str, Any] = {}
        network: dict[str, Any] = {}
        for key, text in settings.items():
            target, name = (self.network, key.removeprefix("network.")) if key.startswith("network.") else (self, key)
            known = {f.name: getattr(target, f.name) for f in fields(target) if f.name != "network"}
            if name not in known:
                raise InputError(f"unknown setting {key}", expected=f"one of {', '.join(known)}", got=key)
            (network if target is self.network else values)[name] = _parse(key, text, known[name])
        changed = replace(self, **values, network=replace(self.network, **network))
        changed._check()
        return changed

    def _check(self) -> None:
        """Raises InputError where a setting is none that a run could have."""
        for name, (expected, holds) in _RANGES.items():
            value = getattr(self.network if name.startswith("network.") else self, name.removeprefix("network."))
            if not all(holds(part) for part in (value if isinstance(value, tuple) else [value])):
                raise InputError(f"invalid setting {name}", expected=expected, got=value)
        if self.window < self.crop:
            raise InputError("invalid setting window", expected=f"at least crop, {self.crop}", got=self.window)

    def check_shape(self) -> None:
        """Raises InputError where settings of the network do not fit each other; they may come from several places."""
        network = self.network
        first, *others = network.groups
        if first != DC_CHANNELS or not others or first + sum(others) != network.latents:
            expected = f"{DC_CHANNELS} first, and others, network.latents ({network.latents}) in all"
            raise InputError("invalid setting network.groups", expected=expected, got=network.groups)
        blocks = lcm(*network.entropy.multiple)
        if self.crop % (blocks * BLOCK):
            raise InputError("invalid setting crop", expected=f"a multiple of {blocks * BLOCK}", got=self.crop)
        if network.latents > 3 * BLOCK**2:
            raise InputError("invalid setting network.latents", expected=f"at most {3 * BLOCK**2}", got=network.latents)
        if network.corrected > network.latents:
            expected = f"at most network.latents, {network.latents}"
            raise InputError("invalid setting network.corrected", expected=expected, got=network.corrected)
        if network.coarsest_step <= network.finest_step:
            expected = f"more than network.finest_step, {network.finest_step:g}"
            raise InputError("invalid setting network.coarsest_step", expected=expected, got=network.coarsest_step)


_SIZES = (
    *("latents", "groups", "context_width", "dc_width", "trunk_width", "trunk_blocks"),
    *("corrected", "grid_width", "grid_hidden", "grid_blocks"),
)
_RANGES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys((f"network.{name}" for name in _SIZES), ("at least 1", lambda value: value >= 1)),
    **dict.fromkeys(
        ("network.coarsest_step", "network.finest_step"), ("a number above 0", lambda value: 0 < value < float("inf"))
    ),
    "network.gain_floor": (f"from 1 to {LARGEST_FLOOR}", lambda value: 1 <= value <= LARGEST_FLOOR),
    "network.gain_power": (f"from 0 to {LARGEST_POWER}", lambda value: 0 <= value <= LARGEST_POWER),
    "network.points": ("from 2 to 256", lambda value: 2 <= value <= 256),
    "crop": (f"a multiple of {BLOCK}, at least {2 * BLOCK}", lambda value: value >= 2 * BLOCK and value % BLOCK == 0),
    "clip": ("a number above 0", lambda value: value > 0),
    "qualities": ("qualities from 0 to 100", lambda value: 0 <= value <= 100),
    "fit_at": ("parts of the run, from 0 to 1", lambda value: 0 <= value <= 1),
    **dict.fromkeys(("ema", "learning_rate"), ("a number from 0 to 1", lambda value: 0 <= value <= 1)),
    **dict.fromkeys(
        ("context_rate", "distortion_weight"),
        ("a finite number, not below 0", lambda value: 0 <= value < float("inf")),
    ),
    **dict.fromkeys(("warmup_steps", "seed", "checks"), ("not below 0", lambda value: value >= 0)),
    **dict.fromkeys(
        ("batch", "memory_mb", "round_steps", "held_out", "check_pictures", "fit_pictures"),
        ("at least 1", lambda value: value >= 1),
    ),
    **dict.fromkeys(("held_out_side", "fit_side"), (f"at least {BLOCK}", lambda value: value >= BLOCK)),
}


def _with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def _parse(key: str, text: str, present: Any) -> Any:
    kind = type(present[0]) if isinstance(present, tuple) else type(present)
    parts = text.split(",") if isinstance(present, tuple) else [text]
    try:
        if kind is bool:
            values = [{"true": True, "false": False}[part.lower()] for part in parts]
        else:
            values = [kind(part) for part in parts if part]
        if not values:
            raise ValueError("no value")
    except (ValueError, KeyError):
        raise InputError(f"invalid setting {key}", expected=f"like {present}", got=text) from None
    return tuple(values) if isinstance(present, tuple) else values[0]
