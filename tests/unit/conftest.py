"""How properties are tried: the same examples in every run, nothing kept on disk, at any speed."""

from hypothesis import settings

settings.register_profile("unit", derandomize=True, database=None, deadline=None)
settings.load_profile("unit")
