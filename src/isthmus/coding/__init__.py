"""The coding core: symbols and predictions to bytes and back, for any medium."""
