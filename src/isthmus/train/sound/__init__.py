"""Training of the entropy model of sounds: pieces, costs, and runs."""
