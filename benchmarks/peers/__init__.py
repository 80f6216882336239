"""Training loaders of others on the task of ``bench_loader.py``, one process each.

Every module is a script for an environment of its own (``make bench-peers``); only ``client`` is
imported by the benchmarks.
"""
