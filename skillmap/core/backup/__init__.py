"""Backups: the database at one moment, the files that people handed in, and a manifest that says what they were.

`making.make` writes one, `restoring.restore` reads it back and proves it, `after` is where apps say what must be done
once old data is back (sessions end, tokens are revoked).
"""
