"""The digital skill map: framework, people, yearly check, supply and demand."""
