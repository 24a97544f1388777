"""The server that people and programs talk to a tandem through: its protocols, who is let in, its figures."""
