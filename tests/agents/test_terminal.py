"""The progress of a run, where people look and where nobody does."""

import io
import sys

from agents import terminal
from agents.ram.settings import NetworkSettings
from agents.terminal import ProgressBar
from agents.training.settings import GameSettings
from agents.training.trainer import train

SMALL = {"core_size": 8, "glimpse_hidden": 8, "location_hidden": 8, "glimpse_features": 8}
GAME = GameSettings(
    environment={"screen_size": 6, "patch_size": 2, "num_scales": 2},
    network=NetworkSettings(core="lstm", **SMALL),
    num_envs=8,
    frames=5 * 8 * 20,  # 20 iterations
    minibatches=2,
    log_every=1000,
)


class Clock:
    """A clock that stands still unless it is set."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(terminal.time, "monotonic", lambda: self.now)


def test_off_a_terminal_a_line_is_written_every_20_seconds(monkeypatch, capsys):
    clock = Clock(monkeypatch)
    bar = ProgressBar(10_000, initial=2_000)
    bar.show("success rate 12.34 %")
    for second in range(61):
        clock.now = 100.0 + second
        bar.advance(2_000 + 100 * second)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "4,000 of 10,000 frames (40%), success rate 12.34 %, 100 frames/s, 60 s left",
        "6,000 of 10,000 frames (60%), success rate 12.34 %, 100 frames/s, 40 s left",
        "8,000 of 10,000 frames (80%), success rate 12.34 %, 100 frames/s, 20 s left",
    ]
    bar.advance(10_000)
    bar.close()
    assert capsys.readouterr().err.startswith("10,000 of 10,000 frames (100%), success rate 12.34 %")


def test_on_a_terminal_a_bar_moves_with_every_step(monkeypatch):
    screen = io.StringIO()
    screen.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", screen)
    bar = ProgressBar(1_000)
    bar.show("error 3.21 %")
    for done in range(0, 1_001, 100):
        bar.advance(done)
    bar.close()
    assert "100%" in screen.getvalue() and "error 3.21 %" in screen.getvalue()


def test_the_figure_is_due_soon_after_it_was_shown(monkeypatch):
    clock = Clock(monkeypatch)
    bar = ProgressBar(1_000)
    assert not bar.due
    clock.now += 4
    assert bar.due
    bar.show("x")
    assert not bar.due


def test_a_hidden_bar_shows_nothing_and_is_never_due(monkeypatch, capsys):
    clock = Clock(monkeypatch)
    bar = ProgressBar(1_000, show=False)
    clock.now += 100
    bar.advance(500)
    bar.close()
    assert not bar.due and capsys.readouterr().err == ""


def test_a_run_shows_its_figure_before_the_first_line_of_its_logs_and_learns_the_same(monkeypatch, tmp_path):
    shown = []
    monkeypatch.setattr(ProgressBar, "show", lambda self, figure: shown.append(figure))
    monkeypatch.setattr(ProgressBar, "due", property(lambda self: False))
    train("RAM-CatchGame-v0", GAME, tmp_path / "seldom")
    assert len(shown) == 1  # with the only line, at the end
    monkeypatch.setattr(ProgressBar, "due", property(lambda self: True))
    train("RAM-CatchGame-v0", GAME, tmp_path / "often")
    assert len(shown) == 1 + 20 and shown[1].startswith("success rate ") and shown[1].endswith(" %")
    assert shown[-1] == shown[0]
    lines = [(tmp_path / name / "metrics.csv").read_text().splitlines() for name in ("seldom", "often")]
    assert [len(part) for part in lines] == [2, 2]
    assert lines[0][1].split(",")[4:] == lines[1][1].split(",")[4:]  # all but the times


def test_a_notebook_gets_the_bar_of_notebooks(monkeypatch, capsys):
    made = []

    class Widget:
        n = 0
        __module__ = "tqdm.notebook"

        def __init__(self, **settings):
            made.append(settings["total"])

        def update(self, number):
            self.n += number

    import tqdm.auto

    monkeypatch.setitem(sys.modules, "ipykernel", object())
    monkeypatch.setattr(tqdm.auto, "tqdm", Widget)
    ProgressBar(1_000).advance(10)
    assert made == [1_000] and capsys.readouterr().err == ""


def test_a_broken_output_ends_nothing(monkeypatch):
    class Broken(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

        def isatty(self):
            return self.terminal

    on_terminal, in_file = Broken(), Broken()
    on_terminal.terminal, in_file.terminal = True, False
    for stream in (on_terminal, in_file, None):
        monkeypatch.setattr(sys, "stderr", stream)
        bar = ProgressBar(100)
        bar.show("x")
        bar.advance(50)
        bar.close()
