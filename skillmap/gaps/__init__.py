"""Demand survey, supply against demand, priority areas, dashboards."""
