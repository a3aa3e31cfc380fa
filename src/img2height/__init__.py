"""Height maps and buildings from overhead images."""

import os

# A waiting OpenMP thread sleeps instead of spinning. It is read when torch is loaded, so it is set here. On two busy
# cores a training step takes a quarter of the time, on idle ones the same.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
