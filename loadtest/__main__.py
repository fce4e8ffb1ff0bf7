"""`python -m loadtest` is `python -m loadtest.run`."""

import sys

from loadtest.run import main

sys.exit(main())
