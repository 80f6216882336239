"""Stores: the format on disk, planning, writing, committing, reading and verifying."""
