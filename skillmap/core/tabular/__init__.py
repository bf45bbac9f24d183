"""Tables in and out: uploaded workbooks and CSV files read safely, exports and templates written in one way.

Read with `reading.read_table`, write with `writing.write_xlsx`, `writing.write_csv` and `template.write_template`.

Nothing is imported here on purpose: the process that parses untrusted files imports this package too, and must start
fast and without the web framework.
"""
