"""Finished builds: the one way in which their files are read."""
