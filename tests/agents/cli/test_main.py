"""`ram` itself: which command runs, what becomes of errors and signals, and what is imported when."""

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import gymnasium
import pytest

import agents.cli.list
from agents.cli import COMMANDS, main
from agents.errors import RAMError
from ram_envs.errors import InvalidArgument
from tests.limits import HANG_S

ROOT = Path(__file__).parents[3]
WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in {missing}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Missing())
from agents.cli import main
sys.exit(main({arguments}))
"""


def python(script):
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=HANG_S)
    return result.returncode, result.stdout, result.stderr


def without(*missing, arguments):
    """Run a command in a Python that lacks some packages."""
    return python(WITHOUT.format(missing=missing, arguments=arguments))


@pytest.fixture
def behave(monkeypatch):
    """Let `ram list` raise an error."""

    def replace(error):
        def run(arguments):
            raise error

        monkeypatch.setattr(agents.cli.list, "run", run)

    return replace


def test_help_lists_the_commands_in_80_columns(capsys):
    assert main(["--help"]) == 0
    help = capsys.readouterr().out
    assert all(f"  ram {name} " in help for name in COMMANDS)
    assert max(map(len, help.splitlines())) <= 80
    assert main([]) == 2


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS), ["benchmark", "report"]])
def test_every_command_shows_help_and_version(capsys, command):
    assert main([*command, "--version"]) == 0
    assert capsys.readouterr().out.startswith("ram-active-vision ")
    assert main([*command, "--help"]) == 0
    assert "usage: ram" in capsys.readouterr().out


@pytest.mark.parametrize("columns", [50, 60, 80, 120])
@pytest.mark.parametrize("command", [*([name] for name in COMMANDS), ["train", "RAM-MNIST-v0"]])
def test_help_fits_the_terminal(capsys, monkeypatch, columns, command):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([*command, "--help"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= columns


def test_an_unknown_command_suggests_one(refused):
    assert "did you mean `ram train`?" in refused("trian", "RAM-MNIST-v0")
    assert "`ram --help` lists them" in refused("--nothing")


@pytest.mark.parametrize("command", ["reproduce", "figures"])
def test_commands_that_moved_say_where(refused, command):
    assert f"`python -m paper {command}`" in refused(command, "--row", "catch")


@pytest.mark.parametrize(
    "error",
    [
        RAMError("what is\nwrong"),
        InvalidArgument("what is wrong"),
        gymnasium.error.NameNotFound("what is wrong"),
        OSError("what is wrong"),
    ],
)
def test_errors_of_users_take_one_line(behave, refused, error):
    behave(error)
    assert refused("list") == "ram list: what is wrong"


def test_errors_of_files_name_the_file(refused, tmp_path, behave):
    behave(PermissionError(13, "Permission denied", str(tmp_path)))
    assert refused("list") == f"ram list: {tmp_path}: Permission denied"


@pytest.mark.parametrize(
    "bug", [ValueError("x"), TypeError("x"), RuntimeError("x"), AssertionError(), ModuleNotFoundError(name="agents.x")]
)
def test_bugs_show_their_traceback(behave, bug):
    behave(bug)
    with pytest.raises(type(bug)):
        main(["list"])


def test_ctrl_c_ends_with_130(behave, capsys):
    behave(KeyboardInterrupt())
    assert main(["list"]) == 130
    assert capsys.readouterr().err == ""


def test_sigterm_ends_with_143_and_the_handler_is_restored(monkeypatch):
    def run(arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    monkeypatch.setattr(agents.cli.list, "run", run)
    before = signal.getsignal(signal.SIGTERM)
    assert main(["list"]) == 143
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(("signal_error", "status"), [(KeyboardInterrupt(), 130), (SystemExit(143), 143)])
def test_a_signal_that_a_library_turns_into_an_error_ends_the_command_as_usual(monkeypatch, signal_error, status):
    def run(arguments):
        try:
            raise signal_error
        except BaseException as error:
            raise RuntimeError("Error calling __set_name__") from error  # a class body of Python 3.11

    monkeypatch.setattr(agents.cli.list, "run", run)
    assert main(["list"]) == status


def test_a_backend_of_a_notebook_is_set_aside_while_a_command_runs(monkeypatch):
    seen = []
    monkeypatch.setattr(agents.cli.list, "run", lambda arguments: seen.append(os.environ["MPLBACKEND"]) or 0)
    monkeypatch.setenv("MPLBACKEND", "module://nowhere")
    assert main(["list"]) == 0
    assert seen == ["agg"] and os.environ["MPLBACKEND"] == "module://nowhere"


def test_output_that_nobody_reads_is_no_error():
    command = f"{sys.executable} -m agents.cli list | head -c 1"
    result = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=HANG_S)
    assert result.stderr == ""


def test_a_pipe_that_breaks_elsewhere_is_an_error(behave, capsys):
    """Only a reader that has closed the output is none."""
    behave(BrokenPipeError(32, "Broken pipe"))
    assert main(["list"]) == 2
    assert capsys.readouterr().err == "ram list: [Errno 32] Broken pipe\n"


def test_what_a_module_says_when_it_exits_is_shown(behave, capsys):
    behave(SystemExit("this module needs a licence"))
    assert main(["list"]) == 1
    assert capsys.readouterr().err == "ram list: this module needs a licence\n"


@pytest.mark.parametrize("arguments", [["list"], ["train", "--help"], ["train", "RAM-MNIST-v0", "--help"]])
def test_lists_and_help_work_without_the_extra(arguments):
    missing = ("torch", "matplotlib", "pygame", "safetensors", "tyro", "tensorboard", "tqdm")
    status, stdout, stderr = without(*missing, arguments=arguments)
    assert status == 0 and "RAM-MNIST-v0" in stdout, stderr


def test_help_imports_next_to_nothing():
    script = "import sys; from agents.cli import main; main(['--help']); print('gymnasium' in sys.modules)"
    assert python(script)[1].endswith("False\n")


HEAVY = ("scipy", "matplotlib", "tensorboard", "sklearn", "pooch", "numba", "pandas", "PIL", "pygame", "torch._dynamo")
"""Modules that take 50 ms to seconds to import, and that neither options nor a short evaluation need."""


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["evaluate", "--help"], (*HEAVY, "torch")),
        (["benchmark", "--help"], (*HEAVY, "torch")),
        (["evaluate", "pretrained:RAM-CatchGame-v0", "--episodes=20"], HEAVY),
        (["evaluate", "pretrained:RAM-Digits-v0", "--episodes=20"], HEAVY),
    ],
)
def test_commands_import_no_more_than_they_need(arguments, heavy):
    loaded = f"print([name for name in {heavy} if name in sys.modules])"
    status, stdout, stderr = python(f"import sys; from agents.cli import main; main({arguments}); {loaded}")
    assert status == 0 and stdout.endswith("[]\n"), stdout + stderr


def test_commands_leave_the_garbage_collector_as_it_was(capsys):
    before = gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()
    assert main(["list"]) == 0
    assert (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()) == before


@pytest.mark.parametrize(
    ("missing", "arguments", "extra"),
    [
        ("torch", ["train", "RAM-Digits-v0"], "agents"),
        ("safetensors", ["evaluate", "pretrained:RAM-CatchGame-v0"], "agents"),
        ("yaml", ["benchmark", "benchmarks/published.yaml"], "agents"),
    ],
)
def test_a_missing_extra_is_named(missing, arguments, extra):
    status, _, stderr = without(missing, arguments=arguments)
    assert (status, len(stderr.splitlines())) == (2, 1), stderr
    assert missing in stderr and f"pip install 'ram-active-vision[{extra}]'" in stderr
