"""Sounds in the bench: clips, metrics, rivals, and how a page shows them. It knows nothing of curves and reports."""
