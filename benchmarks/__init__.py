"""Measurements: never tests, always side by side in one run."""
