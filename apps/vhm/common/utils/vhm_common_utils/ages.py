"""The age of a memory in words."""

from __future__ import annotations

from datetime import timedelta


def human_age(age: timedelta) -> str:
    days = age.days
    if days < 1:
        return "yesterday"
    if days < 7:
        return f"{days} days ago"
    if days < 30:
        return f"{days // 7} weeks ago"
    if days < 365:
        return f"{days // 30} months ago"
    return f"{days // 365} years ago"
