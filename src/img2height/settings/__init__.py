"""The checked settings files: protocol, experiments, datasets and recipes. Nothing here reads pixels."""
