"""How Sphinx builds the pages; `ci/docs` runs it."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

from anygrad import __version__  # noqa: E402

project = "anygrad"
author = "the anygrad developers"
copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "bars",
    "formulas",
    "measured",
    "coverage_pages",
    "gpu_pages",
]
root_doc = "index"
exclude_patterns = ["_data", "_ext"]
source_suffix = {".md": "markdown"}
suppress_warnings = [
    "myst.header",  # CONTRIBUTING and CHANGELOG begin their sections as they like
    "ref.python",  # the name of an attribute links to that of another class where two have it
]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings tell shapes and dtypes, which hints cannot
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "imported-members": True}
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_param = False
napoleon_preprocess_types = False
napoleon_use_ivar = True
default_role = "literal"
add_module_names = False

html_theme = "pydata_sphinx_theme"
html_title = "anygrad"
html_context = {"default_mode": "auto"}
html_static_path = ["_static"]
html_css_files = ["anygrad.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "show_prev_next": False,
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_toc_level": 2,
}
html_sidebars = {"**": []}
pygments_style = "default"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
