"""What every worker of the dataset build needs, loaded by importing this: lists, jieba, the tagger.

The server that worker processes are forked from imports it (`jobs.py`), so that they share one copy
of some 0.9 GB, most of it what presidio brings along.
"""

from pulsemind.data.anonymise import detect

detect("我叫张伟。My name is John Carter.")
