"""What is a picture's own in training: networks, transform, crops, evaluation."""
