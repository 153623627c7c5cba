"""Whose name stands under a confirmation: asked once, and remembered on this computer."""

from __future__ import annotations

from datetime import UTC, datetime

from PyQt6.QtCore import QSettings

NAME = "person/name"


def _settings() -> QSettings:
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "arviewer", "arviewer")


def remembered_name() -> str:
    """Return the name that was given last; "" when none ever was."""
    return str(_settings().value(NAME, "") or "")


def remember_name(name: str) -> None:
    """Offer a name the next time."""
    _settings().setValue(NAME, name)


def now() -> str:
    """Return the time as a confirmation has it: ISO 8601 with the offset from UTC."""
    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")
