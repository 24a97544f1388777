"""Dialogues: the task of a writer, the check of what it writes, and the way from a conversation to a duplex one."""
