"""The textbook's autoencoders: trained with PyTorch, used like any scikit-learn estimator, measured as compressors."""
