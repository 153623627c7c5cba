"""Dialogs: each is shown without blocking the loop of events."""
