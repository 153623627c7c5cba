"""Worker processes with shared memory, and how long work reports and is cancelled.

Lives here: `Worker`, the wire its calls travel on, `Progress`. May import: numpy, the standard library,
``arviewer.model`` and what is below. Must not know: what the called functions do.
"""
