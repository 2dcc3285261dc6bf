"""``python -m adapters_hub`` is ``hub``."""

from adapters_hub.cli import main

if __name__ == "__main__":
    main()
