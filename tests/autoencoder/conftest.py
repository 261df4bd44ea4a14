"""Data and models that the tests of this room share: scikit-learn's digits, and networks trained on them once."""

import pytest
import torch

from isthmus.autoencoder import Autoencoder, Compressor, Data, load_data

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits() -> Data:
    return load_data("digits")


@pytest.fixture(scope="session")
def dense(digits: Data) -> Autoencoder:
    """A dense autoencoder 64-64-8-64-64 that has learned something."""
    return Autoencoder(code_size=8, hidden=(64,), batch_size=32, epochs=15, random_state=0).fit(digits.train)


@pytest.fixture(scope="session")
def compressor(dense: Autoencoder, digits: Data) -> Compressor:
    return Compressor.fit(dense, digits.train)
