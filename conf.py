# SPDX-License-Identifier: GPL-2.0-only
"""Sphinx configuration: ``make htmldocs`` builds docs/ into _build/html."""

import os
from pathlib import Path

from xpfo_model import __version__, clone
from xpfo_model.sphinxext.digest import build_digest, fresh

ROOT = Path(__file__).parent

project = "XPFO, executed"
author = "The XPFO executable design document authors"
copyright = "2026, the XPFO executable design document authors"
version = release = __version__

extensions = [
    "myst_nb",
    "notfound.extension",
    "sphinx_copybutton",
    "xpfo_model.sphinxext",
]
root_doc = "index"
exclude_patterns = ["traces/*.md", "traces/workloads/*"]
nitpicky = True
numfig = True

# What the pages are computed from. A changed digest re-executes every notebook
# and hears every claim again; an unchanged one re-executes nothing.
xpfo_digest = build_digest(ROOT)
xpfo_commit = clone.commit()
xpfo_site_url = os.environ.get("XPFO_SITE_URL", "")

nb_execution_mode = "cache"
nb_execution_cache_path = str(fresh(ROOT / "_build", "jupyter-cache", xpfo_digest))
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 120
nb_merge_streams = True
nb_output_stderr = "error"
nb_ipywidgets_js = {}
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"{project} {release}"
html_baseurl = xpfo_site_url
html_static_path = ["docs/_static"]
html_css_files = ["site.css"]
html_copy_source = True
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
notfound_urls_prefix = None
copybutton_exclude = ".linenos, .gp"
