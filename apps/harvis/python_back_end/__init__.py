"""Harvis back end: chat through Ollama, speech, and the memory workers behind one HTTP API."""
