"""Checks of what a build's files hold."""
