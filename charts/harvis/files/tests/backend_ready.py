"""Passes when the backend says, through its Service, that everything it needs is there."""

import os
import sys
import urllib.error
import urllib.request

try:
    with urllib.request.urlopen(os.environ["BACKEND_URL"] + "/ready", timeout=30) as answer:
        print(answer.read().decode())
except urllib.error.HTTPError as error:
    sys.exit(f"not ready ({error.code}): {error.read().decode()}")
