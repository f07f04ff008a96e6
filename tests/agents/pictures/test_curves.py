"""Learning curves survive what training leaves behind; animations are small, sharp and hold their last frames."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agents.pictures import curves
from agents.pictures.comparison import RunsError, read_run
from agents.pictures.curves import plot_learning_curve, read_curve
from ram_envs.errors import InvalidArgument


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def curve(path: Path, text: str) -> list[tuple[float, float]]:
    _, frames, values = curves.read_curve(write(path, text))
    return list(zip(frames.tolist(), values.tolist(), strict=True))


def test_the_curve_is_that_of_the_figure_that_matters(tmp_path: Path) -> None:
    file = tmp_path / "metrics.csv"
    assert curve(file, "frames,time_s,success_rate\n10,1,0.25\n20,2,0.5\n") == [(10, 25), (20, 50)]
    assert curve(file, "time_s,error_percent,frames\n1,60,10\n2,40,20\n") == [(10, 60), (20, 40)]


def test_of_a_resumed_run_the_later_lines_count(tmp_path: Path) -> None:
    text = "frames,success_rate\n10,0.1\n20,0.2\n30,0.3\nframes,success_rate\n20,0.5\n30,0.6\n"
    assert curve(tmp_path / "metrics.csv", text) == [(10, 10), (20, 50), (30, 60)]


def test_lines_that_say_nothing_are_left_out(tmp_path: Path) -> None:
    text = "frames,time_s,success_rate\n10,1,0.1\n20,2,\n30,3,nan\n\nwhat,is,this\n40,4,0.4\n50,5"
    assert curve(tmp_path / "metrics.csv", text) == [(10, 10), (40, 40)]


@pytest.mark.parametrize("num_lines", [0, 1, 2, 300])
@pytest.mark.parametrize("column", ["success_rate", "error_percent"])
def test_curves_of_any_length_are_drawn(tmp_path: Path, num_lines: int, column: str) -> None:
    lines = "".join(f"{1000 * (i + 1)},{i},{1 / (i + 1)}\n" for i in range(num_lines))
    plot_learning_curve(write(tmp_path / "metrics.csv", f"frames,time_s,{column}\n{lines}"), tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.width > 700


def test_an_error_of_zero_has_no_logarithm_and_is_drawn_anyway(tmp_path: Path) -> None:
    plot_learning_curve(write(tmp_path / "m.csv", "frames,error_percent\n1,50\n2,0\n"), tmp_path / "curve.png")
    assert (tmp_path / "curve.png").exists()


def test_a_constant_error_is_drawn_without_a_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = "frames,error_percent\n" + "".join(f"{n},100\n" for n in range(1, 20))
        plot_learning_curve(write(tmp_path / "m.csv", text), tmp_path / "curve.png")


def test_smoothing_keeps_a_straight_line_and_averages_noise() -> None:
    line = np.arange(100.0)
    assert np.allclose(curves.smoothed_values(line)[4:-4], line[4:-4])
    noise = np.tile([0.0, 1.0], 50)
    assert np.abs(curves.smoothed_values(noise) - 0.5).max() < 0.11
    assert curves.smoothed_values(np.array([3.0])).tolist() == [3.0]


@pytest.mark.parametrize("text", ["", "frames,loss\n1,2\n", "success_rate\n0.5\n"])
def test_a_table_without_the_columns_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="expected frames and one of success_rate, error_percent, episode_return"):
        plot_learning_curve(write(tmp_path / "metrics.csv", text), tmp_path / "curve.png")
    assert not (tmp_path / "curve.png").exists()


def test_a_missing_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        plot_learning_curve(tmp_path / "metrics.csv", tmp_path / "curve.png")


def test_drawing_a_curve_leaves_pyplot_alone(tmp_path: Path) -> None:
    table = write(tmp_path / "metrics.csv", "frames,success_rate\n1,0.5\n")
    program = (
        "import sys, agents.pictures.curves as f; assert 'matplotlib' not in sys.modules;"
        f"f.plot_learning_curve({str(table)!r}, {str(tmp_path / 'curve.png')!r});"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("rest", [b"\xff\n", b'"' + b"x" * 200_000 + b"\n"])
def test_a_file_that_is_no_table_is_refused(tmp_path, rest):
    (tmp_path / "metrics.csv").write_bytes(b"frames,success_rate\n" + rest)
    with pytest.raises(InvalidArgument, match="is not a table"):
        read_curve(tmp_path / "metrics.csv")


@pytest.mark.parametrize(
    "settings",
    [
        "[" * 10**5,
        "[]",
        '{"env_id": 3, "seed": 0, "training": {}}',
        '{"env_id": "\\ud800", "seed": 0, "training": {}}',
        '{"env_id": "RAM-CatchGame-v0", "seed": 1e999, "training": {}}',
        '{"env_id": "RAM-CatchGame-v0", "seed": 0, "training": "x"}',
        '{"env_id": "RAM-CatchGame-v0", "seed": 0, "training": {"environment": 3}}',
    ],
)
def test_settings_that_training_did_not_write_are_refused_in_one_line(tmp_path, settings):
    (tmp_path / "metrics.csv").write_text("frames,success_rate\n1,0.5\n")
    (tmp_path / "settings.json").write_text(settings)
    with pytest.raises(RunsError, match="cannot be drawn") as error:
        read_run(tmp_path)
    assert len(str(error.value).splitlines()) == 1 and len(str(error.value)) < 1000
