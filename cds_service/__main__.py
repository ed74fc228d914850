"""`python -m cds_service` is the `ionwise` command."""

from cds_service.cli import main

main()
