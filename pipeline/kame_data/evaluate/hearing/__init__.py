"""What is heard of a conversation: when a side speaks, its words, and how long the other side waited."""
