"""The sources of the site: pages of the repository with their links rewritten, and generated pages."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from docs.site.environments import environment_ids, environment_page
from docs.site.reference import command_page, example_pages, reference_pages, results_page

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TOP = {
    "README.md": "quickstart.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CITATION.cff": "citing.md",
    "docs/api.md": "api/index.md",
    "docs/results": "results-files.md",
    "examples": "examples/index.md",
}
"""Files and folders of the repository, and the page of the site that has their content."""
NAVIGATION: dict[str, list[str]] = {
    "Start": ["install", "quickstart", "notebooks/watch", "notebooks/own-algorithm"],
    "Environments": ["environments"],
    "Agent": ["agent", "python", "commands"],
    "Results": [
        "results",
        "what-we-learned",
        "benchmark",
        "benchmark-longer",
        "benchmark-wrapped",
        "ablations",
        "beyond",
        "performance",
        "results-files",
    ],
    "Guides": [
        "guides",
        "own-images",
        "extending",
        "anything",
        "libraries",
        "benchmark-own-algorithm",
        "machines",
        "export",
        "reproduce",
        "examples/index",
    ],
    "Reference": ["api/index", "guarantees", "faq", "changelog", "roadmap", "citing", "contributing", "security"],
}
"""The pages in the order of the sidebar, by their heading."""
MORE = """
## Next
[Environments](docs/environments.md), [the agent](docs/agent.md), [your own images](docs/own-images.md),
[your own algorithm](docs/benchmark-own-algorithm.md), [other libraries](docs/libraries.md).
"""
"""The end of the quickstart, whose other text is the README's."""
_INCLUDE = re.compile(r"^.*<!-- readme:(\w+) -->", re.MULTILINE)
"""Where a section of the README goes; the words before it stand in its place on GitHub."""
_FENCE = re.compile(r"^(```|~~~).*?^\1[ ]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(!?\[(?:[^\[\]]|\[[^\]]*\])*\])\(([^)\s#]*)(#[^)\s]*)?\)")


def stage(source: Path, recorded: Mapping[str, tuple[str, str]], demo: bool) -> None:
    """Write all sources of the site.

    Args:
        source: The folder to write to; its subfolder "media" holds the recordings.
        recorded: By id, the file name of the animation in "media" and its caption.
        demo: Whether the site has the demo in the browser.
    """
    for folder in ("figures", "results", "notebooks"):
        shutil.copytree(DOCS / folder, source / folder)
    shutil.copytree(DOCS / "site" / "static", source / "static")
    pages = {file.name: file for file in DOCS.glob("*.md") if file.name != "api.md"}
    pages |= {
        page: ROOT / name for name, page in TOP.items() if name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
    }
    for name, file in pages.items():
        _write(source, name, file.read_text(encoding="utf-8"), file.parent.relative_to(ROOT).as_posix())
    _write(source, "quickstart.md", f"# Quickstart\n{_readme('Quickstart')}{MORE}", ".")
    for id in environment_ids():
        _write(source, f"environments/{id}.md", environment_page(id, recorded.get(id)), "docs/environments")
    generated = {
        **reference_pages(),
        **example_pages(),
        "commands.md": command_page(),
        "results-files.md": results_page(),
    }
    for name, text in generated.items():
        _write(source, name, text, f"docs/{PurePosixPath(name).parent}")
    _add(source / "environments.md", _toctree([f"environments/{id}" for id in environment_ids()]))
    home = source / "index.md"
    text = home.read_text(encoding="utf-8")
    if not demo:
        text = re.sub(r"<!-- demo:begin -->.*?<!-- demo:end -->\n?", "", text, flags=re.DOTALL)
    home.write_text(text + "".join(_toctree(pages, title) for title, pages in NAVIGATION.items()), encoding="utf-8")


def _readme(title: str) -> str:
    """Return a section of the README, without its heading."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0].strip() + "\n"


def _write(source: Path, name: str, text: str, base: str) -> None:
    """Write a page whose links are relative to the folder `base` of the repository."""
    file = source / name
    file.parent.mkdir(parents=True, exist_ok=True)

    def rewritten(text: str, base: str) -> str:
        return rewrite_links(text, base, name, lambda path: keep_file(source, path))

    text = _INCLUDE.sub(lambda match: rewritten(_readme(match[1]), "."), rewritten(text, base))
    if name == "environments.md":
        text = re.sub(r"`(RAM-\w+-v0)`(?= \| | wraps)", r"[\1](environments/\1.md)", text)
    file.write_text(text, encoding="utf-8")


def rewrite_links(text: str, base: str, page: str, keep: Callable[[str], str]) -> str:
    """Return a page whose links lead to pages and files of the site.

    Args:
        text: The page, Markdown. Code blocks are left as they are.
        base: The folder of the repository that its links are relative to.
        page: The page's name in the site.
        keep: Takes any other file of the repository into the site, and returns its name there.

    Raises:
        FileNotFoundError: If a link leads to no file of the repository.
    """

    def link(match: re.Match[str]) -> str:
        label, target, anchor = match[1], match[2], match[3] or ""
        if not target or "://" in target or target.startswith("mailto:"):
            return match[0]
        path = os.path.normpath(f"{base}/{target}").replace(os.sep, "/")
        place = TOP.get(path) or _place(path) or keep(path)
        return f"{label}({os.path.relpath(place, PurePosixPath(page).parent).replace(os.sep, '/')}{anchor})"

    parts, end = [], 0
    for fence in _FENCE.finditer(text):
        parts += [_LINK.sub(link, text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, _LINK.sub(link, text[end:])])


def _place(path: str) -> str | None:
    """Return where a page or a file of docs/ lies in the site; None for all other files."""
    if path.startswith("docs/demo/"):
        return None
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path.startswith("examples/") and path.endswith(".py"):
        return path.removesuffix(".py") + ".md"
    return None


def keep_file(source: Path, path: str) -> str:
    """Copy a file of the repository that has no page into the site, and return its name there.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    if not (ROOT / path).is_file():
        raise FileNotFoundError(f"a page links to {path}, which is no file of the repository")
    copy = source / "files" / path
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ROOT / path, copy)
    return f"files/{path}"


def _add(file: Path, text: str) -> None:
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")


def _toctree(pages: list[str], title: str = "") -> str:
    caption = f":caption: {title}\n" if title else ""
    return "\n\n```{toctree}\n:hidden:\n" + caption + "\n" + "\n".join(pages) + "\n```\n"
