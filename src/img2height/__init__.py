"""Height maps and buildings from overhead images."""
