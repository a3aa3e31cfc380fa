"""The concepts of the package, each declared once: layers, quantities, parts, tiles, scores; imports no library."""
