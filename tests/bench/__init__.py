"""Measurements that take too long for every run: `make bench-...`."""
