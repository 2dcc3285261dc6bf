"""Plugins that ship inside. They import floors 0 to 2 only, like a plugin from anywhere else."""
