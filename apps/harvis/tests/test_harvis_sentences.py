"""Texts in pieces, and WAVs made one."""

from __future__ import annotations

import contextlib
import io
import re
import wave

import pytest
from harvis_speech_doubles import wav
from hypothesis import given
from hypothesis import strategies as st
from python_back_end.sentences import in_pieces
from python_back_end.wav_files import NotAWav, joined, sound_of

TABLE: list[tuple[str, list[str]]] = [
    ("Hello.", ["Hello."]),
    ("One. Two. Three.", ["One.", "Two. Three."]),
    ('He said "No!" Then he left.', ['He said "No!"', "Then he left."]),
    ("A title\n\nA text", ["A title", "A text"]),
    ("3.5 litres cost 2.10.", ["3.5 litres cost 2.10."]),
    ("Wait … what?", ["Wait …", "what?"]),
    ("Yes. * . No.", ["Yes.", "No."]),
    ("…", ["…"]),
    ("   ", []),
]


@pytest.mark.parametrize(("text", "pieces"), TABLE)
def test_pieces_are_sentences(text: str, pieces: list[str]) -> None:
    assert in_pieces(text) == pieces


def test_a_long_sentence_is_cut_where_one_breathes() -> None:
    assert in_pieces("one two, three four five", 14) == ["one two,", "three four", "five"]
    assert in_pieces("x" * 10, 4) == ["xxxx", "xxxx", "xx"]


@given(st.text(max_size=400), st.integers(1, 60))
def test_no_word_is_lost_and_no_piece_is_too_long(text: str, longest: int) -> None:
    pieces = in_pieces(text, longest)
    assert all(0 < len(piece) <= longest for piece in pieces)
    kept = re.sub(r"\W|_", "", "".join(pieces))
    assert kept == re.sub(r"\W|_", "", text)


def test_parts_are_one_after_the_other() -> None:
    assert joined([wav(3), wav(4)]) == wav(7)
    assert joined([wav(3)]) == wav(3)


def test_parts_of_different_kinds_are_not_joined() -> None:
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\0" * 8)
    with pytest.raises(NotAWav, match="different kinds"):
        joined([wav(3), target.getvalue()])


def test_a_header_that_promises_more_than_there_is_lies() -> None:
    with pytest.raises(NotAWav, match="100 samples are promised, and 90 are there"):
        sound_of(wav(100)[:-20])


@given(st.binary(max_size=200), st.integers(0, 60))
def test_bytes_that_are_none_are_refused_and_nothing_else_happens(noise: bytes, place: int) -> None:
    content = wav(20)
    for candidate in (noise, content[:place] + noise, content[:place] + noise + content[place + len(noise) :]):
        with contextlib.suppress(NotAWav):
            assert sound_of(candidate).frames >= 0
