"""Shards: their schema, their rows, their files, and the finished set of them."""
