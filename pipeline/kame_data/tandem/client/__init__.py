"""A client of the tandem's server: it talks with a recording or with a microphone."""
