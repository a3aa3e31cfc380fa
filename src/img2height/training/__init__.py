"""Training of one method on one fold with one seed."""

import img2height.torchvision_ops  # noqa: F401  (before lightning, which imports torchvision)
