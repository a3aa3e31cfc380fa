"""Tables and figures in the papers' layout, with our numbers next to the printed ones."""
