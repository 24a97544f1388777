"""The judging of a model: benches, the systems that answer them, what is heard and rated, and the page of it."""
