"""Build the documentation site: `python -m docs.site`, or `make docs`.

The pages are Markdown files in docs/ that read well on GitHub too. This script copies them to a folder of their own,
rewrites their links, and adds the pages that are generated: one for each environment, the API reference, the commands
and the examples. Then Sphinx builds the site; a warning is an error.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from docs.site.pictures import has_images, record
from docs.site.staging import ROOT, stage

CONFIGURATION = Path(__file__).parent
DEMO = ROOT / "docs" / "demo" / "build.py"
"""Builds the demo in the browser: `python docs/demo/build.py --out FOLDER --home ADDRESS`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the site, and return the exit status."""
    parser = argparse.ArgumentParser(description="Build the documentation site.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", help="folder of the site (build/site)")
    parser.add_argument("--quick", action="store_true", help="no animations and no executed notebooks")
    options = parser.parse_args(arguments)
    out: Path = options.out.resolve()
    source = out.with_name(f"{out.name}-source")
    for folder in (source, out):
        shutil.rmtree(folder, ignore_errors=True)
    media = source / "media"
    media.mkdir(parents=True)
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    recorded = {} if options.quick else record(media)
    demo = DEMO.exists() and has_images("RAM-MNIST-v0")
    stage(source, recorded, demo)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAM_DOCS_EXECUTE": "off" if options.quick else "force"}
    sphinx = [sys.executable, "-m", "sphinx", "-b", "html", "-c", str(CONFIGURATION)]
    strict = ["--fail-on-warning", "--keep-going", "--nitpicky", "--quiet"]
    cache = ["-d", str(out.with_name(f"{out.name}-doctrees")), "--fresh-env"]
    subprocess.run([*sphinx, *strict, *cache, str(source), str(out)], env=environment, check=True)
    for page in media.glob("*.html"):  # whole pages, which Sphinx does not copy
        (out / "media").mkdir(exist_ok=True)
        shutil.copy(page, out / "media")
    if demo:
        build = [sys.executable, str(DEMO), "--out", str(out / "demo"), "--home", "../index.html"]
        subprocess.run(build, cwd=ROOT, env=environment, check=True)
    print(out / "index.html")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"python -m docs.site: {' '.join(error.cmd[1:3])} ended with status {error.returncode}")
