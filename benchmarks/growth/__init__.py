"""What `benchmarks/scale.py` measures: the bases, the operations, the meter and the goals."""
