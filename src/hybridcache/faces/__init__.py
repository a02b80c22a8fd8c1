"""What users hold: caches, decorators and their wiring; no rule of freshness."""
