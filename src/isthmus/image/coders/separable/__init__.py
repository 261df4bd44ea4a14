"""The separable coder: an exact lapped transform in NumPy, latents coded in integers, a small network that corrects."""
