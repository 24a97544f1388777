"""Word times of a clip, and the check that each word is said at all."""
