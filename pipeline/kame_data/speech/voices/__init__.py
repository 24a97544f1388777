"""Voices, one file for each engine, behind one protocol."""
