"""The process of one run: ``python -m agents.benchmark.worker RESULT``, with the job on its standard input.

Standard input stays open as long as the starter of the process lives. When it closes, the process ends, so that a
killed benchmark leaves no runs behind, nor the processes that they started.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

ABANDONED = 3
"""Exit status of a process whose starter has ended."""


def main() -> None:
    """Do the run and write its result."""
    message = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_starter, daemon=True).start()
    sys.path.extend(folder for folder in message["search_path"] if folder not in sys.path)

    from agents.benchmark.plan import Job
    from agents.benchmark.run import run

    result = run(Job.from_dict(message["job"]))
    Path(sys.argv[1]).write_text(json.dumps(result), encoding="utf-8")


def _end_with_starter() -> None:
    sys.stdin.read()
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():  # a group of its own, not that of somebody's shell
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(ABANDONED)


if __name__ == "__main__":
    main()
