"""Writes of the yearly check: answers, steps, meetings, the confirmed profile, cycles."""
