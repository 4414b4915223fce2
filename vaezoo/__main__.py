"""``python -m vaezoo`` is the ``vaezoo`` command; ``torchrun -m vaezoo train RECIPE`` trains on several processes."""

from vaezoo.cli import main

if __name__ == "__main__":
    main()
