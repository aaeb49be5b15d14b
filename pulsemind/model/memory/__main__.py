"""`python -m pulsemind.model.memory` prints docs/memory.md's tables, in GiB a GPU."""

from pulsemind.model.memory.table import tables

print(tables())
