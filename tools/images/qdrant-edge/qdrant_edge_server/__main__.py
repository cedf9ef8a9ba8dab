"""Start the server: no arguments, settings from the environment."""

from __future__ import annotations

import logging
import os
import sys

import uvicorn

from . import TITLE, VERSION
from .app import create_app
from .settings import Settings, SettingsError
from .store import Store

EX_CONFIG = 78


def main() -> int:
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as exc:
        print(f"{TITLE}: {exc}", file=sys.stderr)
        return EX_CONFIG
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stdout
    )
    logging.getLogger(__name__).info("%s %s, storage %s", TITLE, VERSION, settings.storage_path)
    app = create_app(settings, Store(settings.storage_path))
    server = uvicorn.Server(
        uvicorn.Config(app, host=settings.host, port=settings.port, log_config=None, access_log=False)
    )
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
