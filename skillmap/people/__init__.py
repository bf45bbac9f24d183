"""People and organisations: accounts, staff, the dated tree of organisations, roles, sign-in, API tokens."""
