"""Benchmarks: the platform beside the scripts that people would write by hand."""
