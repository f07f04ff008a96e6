"""The page docs/python.md works as it is written, here with shorter trainings."""

import re
from pathlib import Path

import numpy as np

PAGE = (Path(__file__).parents[1] / "docs" / "python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
SHORTER = {"frames=4_000_000": "frames=60_000, num_envs=64", "epochs=20": "epochs=1", "< 0.9": "< 0.001"}


def test_its_code_runs_one_block_after_the_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = "\n".join(block for block in BLOCKS if "HubAgent" not in block)  # tests/integrations runs that one
    for shown, shorter in SHORTER.items():
        assert shown in code
        code = code.replace(shown, shorter)
    names = {}
    exec(compile(code, "python.md", "exec"), names)
    said = capsys.readouterr().out
    assert "caught: True" in said and "callback 14720" in said
    assert np.mean(names["caught"]) > 0.9 and names["gaze"].locations.shape == (23, 4, 2)
    assert (tmp_path / "gaze.png").exists() and names["tuned"].env_settings["num_glimpses"] == 6
    assert names["tuned"].answer_names == tuple("0123456789")
