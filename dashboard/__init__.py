"""What is seen of the library on a dashboard: panels, alert rules, and a live show.

One list of panels has two renderings, for Grafana and for a page of our own that needs
nothing but Prometheus. ``make dashboard`` shows the page at work on real processes.
Nothing of this is in the wheel: it is for those who have the repository.
"""
