"""Token shards from shards: Mimi codes of both channels, the text streams, the oracle events."""
