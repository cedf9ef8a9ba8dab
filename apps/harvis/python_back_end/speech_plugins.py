"""Speech engines that other packages bring: an entry point of the group `harvis.speech` names a function that returns
an `Engine`. Its module is imported when the engines are listed, and what it loads only in the child that speaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points

from python_back_end.settings import SPEECH_PLUGINS
from python_back_end.speech_engines import Engine


def plugin_engines() -> list[Engine]:
    return [_engine(point) for point in sorted(entry_points(group=SPEECH_PLUGINS), key=lambda point: point.name)]


def _engine(point: EntryPoint) -> Engine:
    """A plug-in that cannot be imported is an engine that says so: the others go on."""
    try:
        made = point.load()()
        if not isinstance(made, Engine):
            raise TypeError(f"{point.value} returned {type(made).__name__} instead of an Engine")
    except Exception as error:
        return Engine(point.name, _always(f"its plug-in failed: {type(error).__name__}: {error}"), _never)
    return replace(made, name=point.name)


def _always(cause: str) -> Callable[[], str | None]:
    return lambda: cause


def _never() -> Callable[[object], object]:
    raise RuntimeError("an engine that cannot be used was loaded")
