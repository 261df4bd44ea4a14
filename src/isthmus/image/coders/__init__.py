"""The coders of pictures, each with a permanent id."""
