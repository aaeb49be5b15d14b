"""Tasks: read an artifact, call the library, write an artifact, log.

Library modules that pull in torch and its like are imported inside the tasks that use them, so that
a cache hit, a deployment or a pipeline with nothing to do does not wait for them.
"""
