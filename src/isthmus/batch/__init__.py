"""Whole trees of files, by many processes."""
