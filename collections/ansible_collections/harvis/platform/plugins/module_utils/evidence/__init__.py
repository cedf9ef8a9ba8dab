"""What was proved about a running platform: rows of evidence, the report made of them, the files it is kept in."""
