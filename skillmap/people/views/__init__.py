"""Pages of people, accounts and organisations."""
