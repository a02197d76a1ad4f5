"""What stands around the package: benchmarks, locked versions, the wheel."""
