"""Sphinx settings."""

import vgpu_embed

project = "vgpu_embed"
author = "the vgpu_embed authors"
copyright = "the vgpu_embed authors"
release = vgpu_embed.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
exclude_patterns = ["_build", "requirements.txt"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
myst_heading_anchors = 3
