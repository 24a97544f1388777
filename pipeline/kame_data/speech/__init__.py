"""Voices, word times, the duplex timeline, and the checks that its sound must pass."""
