"""Dialogues that were recorded already: a folder of stereo sound and timed words becomes records."""
