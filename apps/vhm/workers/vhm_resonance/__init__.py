"""Answers recalls."""
