"""Ways through several commands: workflows and nights."""
