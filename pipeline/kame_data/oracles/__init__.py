"""Oracles: what is asked of a simulator and accepted, what the back end hears, and when an oracle arrives."""
