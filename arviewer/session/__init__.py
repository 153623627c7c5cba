"""The document a person works on: its scene, its history, the jobs that change it.

Lives here: `Document`, edits, jobs, view state. May import: ``arviewer.formats`` and what is below. Must not know:
Qt, VTK.
"""
