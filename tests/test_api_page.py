"""docs/api.md lists the public names, and is up to date."""

import ast
import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("api", ROOT / "docs" / "api.py")
api = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(api)


def imports(source):
    """Yield the names that Python source imports from this project, each with its module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] in ("ram_envs", "agents"):
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == "ram_envs":
            yield "ram_envs", node.attr


def test_the_page_is_what_the_source_says():
    written = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert written == api.page(), "docs/api.md is out of date: python docs/api.py"


def test_names_that_examples_and_documents_import_are_on_the_page():
    sources = [file.read_text(encoding="utf-8") for file in (ROOT / "examples").glob("*.py")]
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        sources += re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    used = {name for source in sources for name in imports(source)}
    assert ("agents.integrations.sb3", "RAMVecEnv") in used and ("ram_envs", "make_tensor") in used
    assert used <= api.imported_from()


def test_the_packages_are_typed_and_each_module_of_the_page_can_be_found():
    for module, _ in api.imported_from():
        path = ROOT / module.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").exists(), module
    assert all((ROOT / package / "py.typed").exists() for package in ("ram_envs", "agents"))
