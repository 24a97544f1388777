"""Shards: their schema, their rows, and their files."""
