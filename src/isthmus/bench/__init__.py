"""Measuring: rivals, metrics, rate-distortion curves, comparisons and reports."""
