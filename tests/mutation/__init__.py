"""`make mutants`: the pure modules are made wrong, bit by bit, and each time a unit test must fail.

`functions` has mutmut change what stands inside functions; `tables` changes what it passes over: the
order of the rules and of the steps. What no test kills must stand in equivalent.yaml with the reason
why it changes nothing, and what stands there must still be what no test kills.
"""
