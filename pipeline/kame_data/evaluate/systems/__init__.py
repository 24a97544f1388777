"""The systems that answer a bench, one file each."""
