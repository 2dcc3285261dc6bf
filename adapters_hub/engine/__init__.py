"""The machine room: the only place that imports torch, and only when an engine is opened."""

import logging
import os

# These two are read when torch is loaded, so they are set before any module of this floor imports it; whoever sets them wins.
# Threads that wait by spinning take the processor from the thread they wait for: beside two busy programs on two cores, training
# took three times as long with the default. And rows of every length let oneDNN keep a kernel with its scratch memory for each shape.
os.environ.setdefault("GOMP_SPINCOUNT", "5000")
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")

# bitsandbytes advises a kernel download at import, before any caller could hold it back; errors still come through.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
