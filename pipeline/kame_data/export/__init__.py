"""A finished build in other people's formats; docs/EXPORT.md says what maps to what."""
