"""Sources of questions: their rows, and which of them can be asked aloud."""
