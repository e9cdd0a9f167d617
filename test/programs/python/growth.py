"""
A list that grows by append to 1,000,000 elements, and one that is made with its size. Prints its truth when it is run
with `state`: how CPython resizes a list, measured by the size that the list says it has.

Growing: from the size on that pymalloc leaves to the system every resize is a realloc; each of these blocks but the last
is temporary, freed by the next. Presized: one allocation.
"""
import itertools
import sys

from sites import STATES, allocate, finish, print_site, stack_from, stated, wait_for_gate

ELEMENTS = 1_000_000
PYMALLOC_LIMIT = 512  # larger requests go to the system allocator, in bytes


class MeasuredList(list):
    """Notes the sizes of its block, in bytes, and where it grows."""

    empty = None
    stack = None
    blocks = [0]

    def append(self, element):
        self.stack = self.stack or stack_from(sys._getframe(1))
        super().append(element)
        block = sys.getsizeof(self) - self.empty
        if block != self.blocks[-1]:
            self.blocks.append(block)

    def state(self):
        sizes = [new for old, new in zip(self.blocks, self.blocks[1:]) if old > PYMALLOC_LIMIT]
        temporary = {"allocations": len(sizes) - 1, "bytes": sum(sizes[:-1])}
        print_site(self.stack, "realloc", sum(sizes), allocations=len(sizes), temporary=temporary)


grown = []
if STATES:
    grown = MeasuredList()
    grown.empty = sys.getsizeof(grown)


def grow():
    for _ in itertools.repeat(None, ELEMENTS):
        grown.append(None)


def presize():
    return stated("malloc|calloc", 8 * ELEMENTS) or [None] * ELEMENTS


wait_for_gate()
grow()
if STATES:
    grown.state()
presized = presize()
# between the last growth and the end, so that neither list is temporary however the interpreter tidies up
first = allocate(5001)
second = allocate(5003)
finish()
