"""Joint suppression of small cells in one cube of counts: pure Python, no domain words, no database.

A **cube** counts people by *node* (a tree of groups), *measure* (a skill, say) and *class* (an ordered answer: not
answered, 0, 1, 2, 3). `suppress` decides which counts a reader may see, so that no count that may not be shown can be
worked out from those that are: not from totals, complements, neighbouring classes, sub- or super-groups or filters,
and not by comparison with an earlier published run.

The rule for one cell (`may_show`): it stands for at least `k` people and leaves out at least `k` of its group, or it
stands for none of a group of at least `2k`.

How, for each measure on its own (nothing published ties two measures together except the sizes of groups, and the
proof takes those as known to everybody, hidden or not):

* A node publishes its people by **blocks**, the classes between two *cuts*. A set of cuts is a partition.
* Work goes down the tree. A group whose blocks are known has members; those that are published all use one set of
  cuts, a subset of the group's own; the others together are the **remainder**, whose blocks a reader gets by
  subtraction and which must therefore be as safe as a cell; if it is not, further members are hidden, smallest first.
  With the remainder as the known group and fewer cuts, or with the members of hidden members, the work goes on: so
  siblings may differ in detail, by a chain of ever coarser partitions.
* People who stand at an inner node itself, below no child, are a member that is never shown.

Why that is safe. Everything known is a tree of *pieces* (shown nodes and remainders), each with its blocks, where the
members of a piece share one partition, coarser than or equal to the piece's. Take any assignment of classes to people
that agrees with all of it, and ask how many of piece or node `w` fall into a set of classes `I`. Going down from the
root, let a(B) be the number with a class in `I` inside block B of the piece reached; for a root block that `I` cuts
through it is free. The next piece takes x' of the X people of its (coarser) block, *any* x' of them, since its
siblings are known by the same coarser blocks only; so, block by block and independently,

    max(0, x' - (X - a)) <= a' <= min(x', a),   every whole number between being possible.

The count is determined only where the two bounds meet, which happens only if x' = 0, or a = 0, or a = X, or x' = X:
the answer is then made of whole blocks of pieces, each of which is none or at least `k`, as is what it leaves out
(by induction), or it follows from a block of a piece that is none of at least `2k`, as the rule permits. A hidden node
with a known size is the last step with one block. The tests check the same by brute force, linear and integer
programming, for unions of groups too.

A count "all of a group of at least `2k`" is the same statement as "none" of the complement, so a partition may
contain it; `Suppressed` still never hands it out as a figure.

Earlier runs: see `History`. What this does not do: hide that an answer is probable, or that a cell was hidden for a
reason, or protect against readers who add what they know of themselves and colleagues.
"""

from skillmap.core.suppression.cube import Crowd, Cube, Cuts, Layout, Measure, Node, Record, Vector, may_show
from skillmap.core.suppression.history import History, Published
from skillmap.core.suppression.search import Suppressed, suppress

__all__ = [
    "Crowd",
    "Cube",
    "Cuts",
    "History",
    "Layout",
    "Measure",
    "Node",
    "Published",
    "Record",
    "Suppressed",
    "Vector",
    "may_show",
    "suppress",
]
