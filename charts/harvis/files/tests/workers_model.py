"""Passes when Ollama, under the address that the workers are given, holds the model that they are given."""

import json
import os
import sys
import urllib.request

wanted = os.environ["OLLAMA_MODEL"]
with urllib.request.urlopen(os.environ["OLLAMA_BASE_URL"] + "/api/tags", timeout=30) as answer:
    names = [model["name"] for model in json.load(answer)["models"]]
print(f"wanted {wanted}, found {names}")
if not {wanted, f"{wanted}:latest"} & set(names):
    sys.exit(1)
