"""Model files: weights and tables, their deltas, which are installed, and the engine that runs graphs."""
