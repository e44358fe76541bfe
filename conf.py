# SPDX-License-Identifier: GPL-2.0-only
"""Sphinx configuration: ``make htmldocs`` builds docs/ into _build/html."""

import os
from pathlib import Path
from urllib.parse import urlsplit

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
exclude_patterns = ["_templates", "traces/*.md", "traces/workloads/*"]
nitpicky = True
numfig = True

# What the pages are computed from. A changed digest re-executes every notebook
# and hears every claim again; an unchanged one re-executes nothing.
xpfo_digest = build_digest(ROOT)
xpfo_commit = clone.commit()
xpfo_site_url = os.environ.get("XPFO_SITE_URL", "")

nb_execution_mode = "cache"
_build = Path(os.environ.get("XPFO_BUILD", ROOT / "_build"))
nb_execution_cache_path = str(fresh(_build, "jupyter-cache", xpfo_digest))
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
templates_path = ["docs/_templates"]
html_static_path = ["docs/_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_favicon = "docs/_static/favicon.svg"
html_copy_source = True
html_show_sphinx = False
html_last_updated_fmt = "%-d %B %Y"  # the commit's day, see SOURCE_DATE_EPOCH
html_last_updated_use_utc = True
html_context = {
    "xpfo_version": clone.version(xpfo_commit),
    "xpfo_repository": os.environ.get("XPFO_REPOSITORY_URL", ""),
}
# A page that is missing may be asked for at any depth, so its links begin at the root.
notfound_urls_prefix = f"{urlsplit(xpfo_site_url).path.rstrip('/')}/"
copybutton_exclude = ".linenos, .gp"
copybutton_image_svg = """
<svg viewBox="0 0 24 24" role="img" aria-label="Copy" fill="none" stroke="currentColor"
  stroke-width="1.5"><path d="M8 8h12v12H8z"/><path d="M16 8V4H4v12h4"/></svg>
"""
# The files of claims lie beside the built pages, where a link checker sees none.
linkcheck_ignore = [r"(\.\./)*claims(/|\.json)"]
