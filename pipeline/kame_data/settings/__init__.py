"""Settings: the one tree, the four places that fill it, and what is made of them."""
