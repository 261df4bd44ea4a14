"""Models: the file that holds one, or a delta from another, which are installed, and the engine that runs networks."""
