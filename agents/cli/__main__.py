"""`python -m agents.cli`: the same as `ram`."""

import sys

from agents.cli import main

sys.exit(main())
