"""What was said in a session, so that the next message is understood; bounded, and gone with the process."""

from __future__ import annotations

from collections import OrderedDict, deque

from python_back_end.ollama_client import ChatMessage


class Conversations:
    def __init__(self, *, sessions: int, turns: int) -> None:
        self._most_sessions = sessions
        self._turns = turns
        self._sessions: OrderedDict[str, deque[ChatMessage]] = OrderedDict()

    def messages(self, session_id: str | None, message: str) -> list[ChatMessage]:
        """The session's last turns and the new message."""
        past = self._sessions.get(session_id, ()) if session_id is not None else ()
        return [*past, ChatMessage(role="user", content=message)]

    def remember(self, session_id: str | None, message: str, reply: str) -> None:
        if session_id is None:
            return
        turns = self._sessions.setdefault(session_id, deque(maxlen=2 * self._turns))
        turns.append(ChatMessage(role="user", content=message))
        turns.append(ChatMessage(role="assistant", content=reply))
        self._sessions.move_to_end(session_id)
        while len(self._sessions) > self._most_sessions:
            self._sessions.popitem(last=False)
