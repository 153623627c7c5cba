"""What each command of the command line understands and does.

Lives here: one module for each command, the options they share, the terminal. May import: everything below, when a
command runs and not before. Must not know: exit codes and how errors are shown (`arviewer.cli`).
"""
