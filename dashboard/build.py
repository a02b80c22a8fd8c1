"""Write what is built from the lists of panels and alerts: ``python -m dashboard.build``.

The files are in the repository, for those who only want to take them; a test compares.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dashboard.grafana import dashboard
from dashboard.rules import rules
from dashboard.shown import shown

ROOT: Final = Path(__file__).parents[1]
GRAFANA: Final = ROOT / "docs" / "dashboards" / "hybridcache.json"
RULES: Final = ROOT / "docs" / "dashboards" / "rules.yml"
PAGE: Final = ROOT / "dashboard" / "page"
PANELS: Final = PAGE / "panels.json"


def files() -> Mapping[Path, str]:
    """Give the text of every file that is built."""
    return {
        GRAFANA: _json(dashboard()),
        PANELS: _json(shown()),
        RULES: rules(),
    }


def main() -> int:
    """Write them all, and say which."""
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
    return 0


def _json(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
