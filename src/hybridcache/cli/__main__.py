"""``python -m hybridcache.cli``."""

import sys

from hybridcache.cli.command import main

sys.exit(main())
