"""What every worker of the dataset build needs, loaded by importing this: steps, lists, the tagger.

The server that worker processes are forked from imports it (`jobs.py`), so that they share one copy
of some 0.9 GB, most of it what presidio brings along.
"""

import pulsemind.data.build  # noqa: F401 - the steps
from pulsemind.data.anonymise import detect

detect("我叫张伟。My name is John Carter.")
