"""The four-stream model: Moshi's, with the oracle stream."""
