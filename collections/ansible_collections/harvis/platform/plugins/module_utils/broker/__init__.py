"""Kafka's topics: desired and found, what can be mended, what needs a person."""
