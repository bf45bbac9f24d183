"""Pages of 1on1s: the mentor's page, the person's page, the sheet to print; parts saved by themselves."""
