"""Give the champion's place back to the version before it: `python -m flows.rollback`.

The version that loses the place is marked and not promoted again (docs/promotion.md). It is no
stage of the chain: it changes the registry only.
"""

from __future__ import annotations

import sys

from pulsemind import settings
from tasks.registry import Registered, RegistryError, roll_back
from tasks.tracking import connect


def main() -> int:
    """Roll back and say what was done; 1, with the reason, when there is nothing to go back to."""
    wanted = settings.load()
    client, _ = connect(wanted)
    model = Registered(client, wanted.stages.registry.name)
    try:
        old, new = roll_back(model)
    except RegistryError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{model.name}: champion was version {old}, is version {new} again")
    return 0


if __name__ == "__main__":
    sys.exit(main())
