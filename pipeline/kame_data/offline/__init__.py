"""Offline stand-ins: a writer and a simulator by rule and seed, without a model and without a network."""
