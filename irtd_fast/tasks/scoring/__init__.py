"""Scores of answers: as the published scripts count them, and in a strict mode of our own."""
