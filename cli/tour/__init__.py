"""The main job on real input, against a local cloud."""
