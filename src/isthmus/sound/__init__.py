"""Sounds: samples of one to eight channels, coded block by block. `medium` is all that is asked of a medium."""
