"""Offline stand-ins: they write by rule and seed, without a model and without a network."""

from pipeline.llm.offline.writer import OfflineWriter

__all__ = ["OfflineWriter"]
