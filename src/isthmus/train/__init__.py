"""Training: from a folder of pictures to a model file. `image` holds what is a picture's, `run` is where to begin."""
