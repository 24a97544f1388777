"""From shards to token shards: Mimi codes of both channels, the text streams, the oracle events."""
