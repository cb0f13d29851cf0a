"""Voice notes: decoded, searched for speech, transcribed, cleaned of what was not said.

The heavy part runs in a process of its own (`worker`), which can be ended at any time.
"""
