"""Training: from a folder of pictures to a model file. `image` holds what is a picture's, `run` is where to begin."""

import os

# Threads of PyTorch's OpenMP that wait for others would spin on cores that somebody else could use, themselves among
# them: beside other work that makes two threads many times slower than one. It is read when PyTorch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
