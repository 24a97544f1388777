"""Looks at a finished build: the page, one dialogue in the terminal, and what differs between two builds."""
