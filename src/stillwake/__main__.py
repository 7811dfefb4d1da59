"""``python -m stillwake``: the command line."""

import sys

from stillwake.cli import main

sys.exit(main())
