"""Build the documentation site: `python -m docs.site`, or `make docs`.

The pages are Markdown files in docs/ that read well on GitHub too. This script copies them to a temporary folder,
rewrites their links, and adds the pages that are generated: one for each environment, the API reference, the commands
and the examples. Then Sphinx builds the site; a warning is an error. When it is complete, it takes the place of an
earlier one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from docs.site.pictures import has_images, record
from docs.site.staging import ROOT, stage

CONFIGURATION = Path(__file__).parent
DEMO = ROOT / "docs" / "demo" / "build.py"
"""Builds the demo in the browser: `python docs/demo/build.py --out FOLDER --home ADDRESS`."""
MARKER = "objects.inv"
"""A file that Sphinx writes into every site."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the site, and return the exit status."""
    parser = argparse.ArgumentParser(description="Build the documentation site.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", help="folder of the site (build/site)")
    parser.add_argument("--quick", action="store_true", help="no animations and no executed notebooks")
    options = parser.parse_args(arguments)
    out: Path = options.out.resolve()
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MARKER).exists())):
        parser.error(f"--out={options.out} holds other files and no site: choose a new folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
        site = _build(Path(folder), options.quick)
        if out.exists():
            shutil.rmtree(out)
        site.rename(out)
    print(out / "index.html")
    return 0


def _build(folder: Path, quick: bool) -> Path:
    """Build the site below a folder, and return its own folder."""
    source, site = folder / "source", folder / "site"
    media = source / "media"
    media.mkdir(parents=True)
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    recorded = {} if quick else record(media)
    demo = DEMO.exists() and has_images("RAM-MNIST-v0")
    stage(source, recorded, demo)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAM_DOCS_EXECUTE": "off" if quick else "force"}
    sphinx = [sys.executable, "-m", "sphinx", "-b", "html", "-c", str(CONFIGURATION), "-d", str(folder / "doctrees")]
    strict = ["--fail-on-warning", "--keep-going", "--nitpicky", "--quiet"]
    subprocess.run([*sphinx, *strict, str(source), str(site)], env=environment, check=True)
    for page in media.glob("*.html"):  # whole pages, which Sphinx does not copy
        (site / "media").mkdir(exist_ok=True)
        shutil.copy(page, site / "media")
    if demo:
        build = [sys.executable, str(DEMO), "--out", str(site / "demo"), "--home", "../index.html"]
        subprocess.run(build, cwd=ROOT, env=environment, check=True)
    return site


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"python -m docs.site: {' '.join(error.cmd[1:3])} ended with status {error.returncode}")
