"""What a finished build looks like: the page, one dialogue in the terminal, and what differs between two builds."""
