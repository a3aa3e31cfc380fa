"""The things that the package speaks of, each declared once: layers, quantities, parts, tiles, scores; no library."""
