"""Reads of a gap run: ranks, heat map, levels, head-count gaps, its tree. All of it from stored, suppressed figures.

Every function takes the reader first and hands out only what the reader may see: who reads aggregates sees all places
of a published run, a coordinator the whole and the own organisation with all below it (as the tree stood at the run's
snapshot), the secretariat unpublished runs too. None stands for a hidden figure, 非表示(5人未満), never for zero.
The number of queries does not depend on the number of places, people or skills.

>>> run = visible.latest_run(user)  # or get_object_or_404(visible.runs_for(user), pk=pk)
>>> result = ranks.run_result(user, run)
>>> [(line.skill.label, line.demand_rank, line.supply_rank) for line in result.lines]
>>> map = heat.heatmap(user, run, parent_key="whole", block="at_least_2")
"""
