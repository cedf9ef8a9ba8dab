"""``/api/speak``: a sentence becomes a WAV that somebody could listen to."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.probe.client import Answer, refuse
from ansible_collections.harvis.platform.plugins.module_utils.probe.content import JSON, TEXT, Promise, keep, record
from ansible_collections.harvis.platform.plugins.module_utils.probe.sound import read_wav
from ansible_collections.harvis.platform.plugins.module_utils.probe.visit import Visit

PATH = "/api/speak"
WAV_TYPES = ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave")
ENGINE_HEADER = "x-speech-engine"
DEVICE_HEADER = "x-speech-device"
SHORTEST, LONGEST = 0.5, 15.0
LEAST_HEARD = 0.05
_DEGRADED = record({"text": {"type": "string"}, "audio": {"type": "null"}, "degraded": TEXT})
_FIX = "`GET /api/diagnostics` names the speech engines and why each can or cannot be used."


def check(visit: Visit) -> str:
    answer = visit.send("speak", "POST", PATH, {"text": visit.settings.sentence})
    if answer.status == 200 and answer.content_type == JSON:
        return _degraded(visit, answer)
    wav = answer.content_type if answer.content_type in WAV_TYPES else WAV_TYPES[0]
    keep(answer, Promise(content_type=wav), fix=_FIX)
    return _audible(answer)


def _degraded(visit: Visit, answer: Answer) -> str:
    reason = keep(answer, Promise(schema=_DEGRADED))["degraded"]
    if not visit.settings.allow_degraded:
        raise refuse("PRB-DEGRADED", answer.subject, f"no speech: {reason}", fix=_FIX)
    return f"no speech, as allowed: {reason}"


def _audible(answer: Answer) -> str:
    try:
        sound = read_wav(answer.body)
    except ValueError as exc:
        raise refuse("PRB-CONTENT", answer.subject, str(exc), evidence=f"{len(answer.body)} bytes", fix=_FIX) from exc
    engine = answer.headers.get(ENGINE_HEADER, "")
    seen = f"{sound.seconds:.1f} s at {sound.rate} Hz"
    wrong = None
    if not SHORTEST <= sound.seconds <= LONGEST:
        wrong = f"{sound.seconds:.1f} s is no plausible length of one sentence ({SHORTEST:g} to {LONGEST:g} s)"
    elif sound.heard < LEAST_HEARD:
        wrong = f"the WAV is silence: {sound.heard:.0%} of it can be heard"
    elif not engine:
        wrong = "the answer does not name its engine (X-Speech-Engine)"
    if wrong:
        raise refuse("PRB-CONTENT", answer.subject, wrong, evidence=seen, fix=_FIX)
    device = answer.headers.get(DEVICE_HEADER, "")
    return f"{engine}{f' on {device}' if device else ''}: {seen}, {sound.heard:.0%} of it audible"
