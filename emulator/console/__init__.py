"""The page and the control API of the local cloud, on its first port."""
