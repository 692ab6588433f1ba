"""`python -m dlcalc` is the command."""

from dlcalc.cli import main

main()
