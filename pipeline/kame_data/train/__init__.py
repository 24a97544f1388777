"""Training: token shards to batches, and batches to a checkpoint of a Moshi with the oracle stream."""
