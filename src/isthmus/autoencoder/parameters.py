"""From the estimator's settings to frozen descriptions of its network and its training, checked on the way."""

from __future__ import annotations

from collections.abc import Collection
from math import prod

from isthmus.autoencoder.augmentation import AUGMENTATIONS
from isthmus.autoencoder.networks import ACTIVATIONS, DEFAULT_HIDDEN, KINDS, NetworkSpec
from isthmus.autoencoder.scaling import SCALINGS
from isthmus.autoencoder.state import State
from isthmus.autoencoder.training import LOSSES, OPTIMIZERS, SCHEDULES, TrainingConfig
from isthmus.errors import InputError
from isthmus.plain import number, whole

DENOISING_NOISE = 0.3
MAX_DEFAULT_CODE = 128


def network_spec(settings: State, shape: tuple[int, ...]) -> NetworkSpec:
    """Describe the network for samples of ``shape``; raises InputError for what cannot be built."""
    kind = _one_of("kind", settings.kind, KINDS)
    if len(shape) > 3:
        raise InputError("too many dimensions", expected="(n, features), (n, H, W) or (n, H, W, C)", got=len(shape) + 1)
    if kind == "convolutional" and len(shape) < 2:
        raise InputError(
            "kind 'convolutional' needs pictures", expected="(n, H, W) or (n, H, W, C)", got=f"(n, {shape[0]})"
        )
    hidden = DEFAULT_HIDDEN.get(kind, (256,)) if settings.hidden is None else tuple(settings.hidden)
    if kind == "linear" and hidden:
        raise InputError("kind 'linear' has no hidden layers", expected=(), got=hidden, hint="Use kind 'dense'.")
    code_size = settings.code_size
    if code_size is None:
        code_size = min(MAX_DEFAULT_CODE, max(1, prod(shape) // 4))
    code_size, hidden = whole(code_size, "code_size"), tuple(whole(size, "a size in hidden") for size in hidden)
    if code_size < 1 or any(size < 1 for size in hidden):
        got = f"code_size {code_size} and hidden {hidden}"
        raise InputError("a layer has no units", expected="sizes of at least 1", got=got)
    return NetworkSpec(
        kind=kind,
        shape=tuple(shape),
        code_size=code_size,
        hidden=hidden,
        activations=_hidden_activations(settings, len(hidden)),
        code_activation=_one_of("code_activation", settings.code_activation, ACTIVATIONS),
        output_activation=_output_activation(settings),
    )


def training_config(settings: State, spec: NetworkSpec) -> TrainingConfig:
    """Describe the training; raises InputError like `network_spec`."""
    loss = _one_of("loss", settings.loss, LOSSES)
    if loss == "bce" and (scaling_name(settings) != "unit" or spec.output_activation != "sigmoid"):
        raise InputError(
            "loss 'bce' needs numbers in 0..1 on both sides",
            expected="scaling 'unit' and output_activation 'sigmoid'",
            got=f"{scaling_name(settings)!r} and {spec.output_activation!r}",
        )
    for name in ("learning_rate", "epochs", "batch_size", "max_steps"):
        value = getattr(settings, name)
        if value is not None and not number(value, name, "a number above 0") > 0:
            raise InputError(f"{name} is too small", expected="a number above 0", got=value)
    for name in settings.augmentation:
        _one_of("augmentation", name, AUGMENTATIONS)
        if len(spec.shape) < 2:
            raise InputError(
                "augmentation needs pictures", expected="(n, H, W) or (n, H, W, C)", got=f"(n, {spec.shape[0]})"
            )
    noise = settings.noise
    if noise is None:
        noise = DENOISING_NOISE if spec.kind == "denoising" else 0.0
    beta = settings.beta
    if beta is None:
        beta = 1.0 if loss == "bce" else 0.1
    return TrainingConfig(
        loss=loss,
        optimizer=_one_of("optimizer", settings.optimizer, OPTIMIZERS),
        learning_rate=float(settings.learning_rate),
        momentum=float(settings.momentum),
        weight_decay=float(settings.weight_decay),
        schedule=_one_of("schedule", settings.schedule, SCHEDULES),
        batch_size=_whole_or_none(settings.batch_size, "batch_size"),
        epochs=whole(settings.epochs, "epochs"),
        max_steps=_whole_or_none(settings.max_steps, "max_steps"),
        stop_loss=None if settings.stop_loss is None else float(settings.stop_loss),
        shuffle=settings.shuffle,
        noise=float(noise),
        beta=float(beta),
        augmentation=tuple(settings.augmentation),
    )


def _whole_or_none(value: object, name: str) -> int | None:
    return None if value is None else whole(value, name)


def scaling_name(settings: State) -> str:
    """The scaling that is meant, ``auto`` resolved."""
    name = _one_of("scaling", settings.scaling, ("auto", *SCALINGS))
    if name == "auto":
        return "center" if settings.kind == "linear" else "unit"
    return name


def _hidden_activations(settings: State, depth: int) -> tuple[str, ...]:
    if isinstance(settings.activation, str):
        return (_one_of("activation", settings.activation, ACTIVATIONS),) * (2 * depth)
    names = tuple(_one_of("activation", name, ACTIVATIONS) for name in settings.activation)
    if len(names) != 2 * depth:
        raise InputError(
            "activation does not fit the hidden layers",
            expected=f"one name for all, or one for each of the {2 * depth}",
            got=len(names),
        )
    return names


def _output_activation(settings: State) -> str:
    name = _one_of("output_activation", settings.output_activation, ("auto", *ACTIVATIONS))
    if name == "auto":
        return "sigmoid" if scaling_name(settings) == "unit" and settings.kind != "linear" else "linear"
    return name


def _one_of(setting: str, value: str, allowed: Collection[str]) -> str:
    if value not in allowed:
        raise InputError(f"{setting} is unknown", expected=f"one of {', '.join(allowed)}", got=repr(value))
    return value
