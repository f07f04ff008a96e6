"""Settings of Sphinx for the site; `python -m docs.site` runs it."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from docs.site.docstrings import setup as setup_docstrings  # noqa: E402
from ram_envs import __version__  # noqa: E402

project = "RAM"
author = "the RAM contributors"
copyright = "the RAM contributors. MIT licence"
version = release = __version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_copybutton"]
exclude_patterns = ["files/**", "media/**", "static/**", "results/**"]
suppress_warnings = ["config.cache"]
default_role = "code"
highlight_language = "none"

myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 3
myst_html_meta = {
    "description": "Reinforcement learning with active vision: Gymnasium environments in which an agent sees only "
    "glimpses that it aims itself, and the recurrent attention model in PyTorch."
}
nb_execution_mode = os.environ.get("RAM_DOCS_EXECUTE", "force")
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_show_tb = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
# Libraries of optional extras, which building the pages does not need.
autodoc_mock_imports = [
    "onnx",
    "onnxscript",
    "ray",
    "sb3_contrib",
    "skrl",
    "stable_baselines3",
    "tensordict",
    "torchrl",
]
maximum_signature_line_length = 80

html_theme = "furo"
html_title = f"RAM {__version__}"
html_static_path = [str(Path(__file__).parent / "static")]
html_css_files = ["site.css"]
html_favicon = str(Path(__file__).parent / "static" / "favicon.svg")
html_extra_path = []
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
html_domain_indices = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f5fa8", "color-brand-content": "#1f5fa8"},
    "dark_css_variables": {"color-brand-primary": "#7db4f0", "color-brand-content": "#7db4f0"},
    "light_logo": "favicon.svg",
    "dark_logo": "favicon.svg",
}
copybutton_exclude = ".linenos, .gp, .go"


def setup(app):
    """Register what the extensions leave to do."""
    setup_docstrings(app)
