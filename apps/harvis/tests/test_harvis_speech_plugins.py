"""Engines that another package brings, installed for real in a folder of the path."""

from __future__ import annotations

from pathlib import Path

import pytest
from python_back_end.model_manager import make_model_manager
from python_back_end.settings import Settings, SettingsError, read_settings
from python_back_end.speech_plugins import plugin_engines

MODULE = """
import io, sys, wave
from python_back_end.speech_engines import Engine
imported_in = []

def whistle():
    return Engine("anything", lambda: None, load)

def load():
    def speak(order):
        target = io.BytesIO()
        with wave.open(target, "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes(2 * len(order.text)))
        return target.getvalue()
    return speak

def broken():
    raise OSError("no whistle here")

def nothing():
    return "an engine"
"""
POINTS = """[harvis.speech]
whistle = whistling:whistle
broken = whistling:broken
nothing = whistling:nothing
absent = absent:it
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "whistling.py").write_text(MODULE)
    about = tmp_path / "whistling-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: whistling\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("installed")
def test_an_engine_of_a_plug_in_speaks_under_its_own_name() -> None:
    settings = read_settings({"SPEECH_ENGINE": "Whistle"})
    assert settings.speech_engine == "whistle"
    chain = make_model_manager(settings)
    speech = chain.safe_generate_speech_optimized("hello")
    chain.close()
    assert (speech.engine, len(speech.audio or b"")) == ("whistle", 44 + 10)


@pytest.mark.usefixtures("installed")
def test_a_plug_in_that_fails_says_so_and_the_others_go_on() -> None:
    causes = {engine.name: engine.why_not() for engine in plugin_engines()}
    assert causes == {
        "absent": "its plug-in failed: ModuleNotFoundError: No module named 'absent'",
        "broken": "its plug-in failed: OSError: no whistle here",
        "nothing": "its plug-in failed: TypeError: whistling:nothing returned str instead of an Engine",
        "whistle": None,
    }


def test_without_the_package_its_name_is_no_choice() -> None:
    assert plugin_engines() == []
    with pytest.raises(SettingsError, match="is not one of auto, chatterbox, piper, none"):
        read_settings({"SPEECH_ENGINE": "whistle"})


@pytest.mark.usefixtures("installed")
def test_plug_ins_come_last_in_the_chain() -> None:
    names = [engine["name"] for engine in make_model_manager(Settings()).engines()]
    assert names == ["chatterbox", "piper", "absent", "broken", "nothing", "whistle"]
