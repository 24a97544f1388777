"""Training: what becomes of token shards."""
