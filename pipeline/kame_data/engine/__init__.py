"""The engine: builds, their parts, and the one way to do work."""
