"""Scenes: the synthetic city, published datasets, and what prepares and checks them."""
