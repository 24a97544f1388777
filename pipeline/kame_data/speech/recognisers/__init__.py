"""Recognisers: each is a file, named in `engines`."""
