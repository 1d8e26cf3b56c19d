"""What `tests/torture/run` is made of."""
