"""What the offline simulator knows of English: phrases, numbers, answers taken apart, and sentences to tell them in."""
