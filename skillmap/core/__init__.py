"""Tools without domain words: errors, audit, jobs, notifications, tables in and out, API habits."""
