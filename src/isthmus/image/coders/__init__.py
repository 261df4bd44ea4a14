"""The coders of pictures: tiles of pixels to payloads, and back."""
