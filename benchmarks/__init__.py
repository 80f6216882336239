"""Benchmarks beside peers, gated by ratios within one run; see README.md."""
