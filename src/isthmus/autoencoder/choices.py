"""The names that an autoencoder's settings take, as types: editors complete them, and type checkers refuse others."""

from __future__ import annotations

from typing import Literal

Kind = Literal["linear", "dense", "convolutional", "variational", "denoising"]
Activation = Literal["linear", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "tanh", "sigmoid"]
Scaling = Literal["unit", "center", "standard", "none"]
Loss = Literal["mse", "bce"]
Optimizer = Literal["sgd", "nesterov", "adam", "adamw", "rmsprop", "adagrad", "lbfgs"]
Schedule = Literal["constant", "cosine"]
Augmentation = Literal["shift", "rotate", "zoom", "flip"]
