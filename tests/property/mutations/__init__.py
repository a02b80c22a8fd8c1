"""The library with one guard taken out, by what the guard is for."""
