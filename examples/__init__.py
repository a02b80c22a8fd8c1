"""Programs that use the library. They are run from the root of the repository."""
