"""The machine room: the only place that imports torch, and only when an engine is opened."""

import logging

# bitsandbytes advises a kernel download at import, before any caller could hold it back; errors still come through.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
