"""Pages of supply and demand."""
