"""Text: from what a source writes to what a person says, and what cannot be asked aloud."""
