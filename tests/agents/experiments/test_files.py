"""Result files: read as they were written, never misread, and kept if they cannot be used."""

import json

import pytest

from agents.errors import RAMError
from agents.experiments.files import ResultError, read_result, set_aside, write_result

HEADER = {"kind": "test", "version": 2}


def test_what_is_written_is_read(tmp_path):
    content = {**HEADER, "numbers": [1.5, -2e-05], "text": "[1,2]", "nested": [{"a": [3]}], "none": None}
    write_result(tmp_path / "a.json", content)
    assert read_result(tmp_path / "a.json", HEADER, dict) == content
    text = (tmp_path / "a.json").read_text()
    assert '"numbers": [1.5, -2e-05]' in text and text.endswith("}\n"), "a list of numbers takes one line"


@pytest.mark.parametrize("content", [{"kind": "test", "version": 3}, {"kind": "other", "version": 2}, {}])
def test_a_file_with_another_header_is_no_result(tmp_path, content):
    file = tmp_path / "a.json"
    assert read_result(file, HEADER, dict) is None
    write_result(file, content)
    assert read_result(file, HEADER, dict) is None
    kept = set_aside(file)
    assert json.loads(kept.read_text()) == content and not file.exists()
    assert kept.name.startswith(f"a.version-{content.get('version', 'unknown')}.") and kept.suffix == ".json"


@pytest.mark.parametrize("text", ["{", "[]", '{"kind": "test", "version": 2}', "\xff"])
def test_a_damaged_file_is_named(tmp_path, text):
    file = tmp_path / "a.json"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(ResultError, match=r"a\.json cannot be read as a results file .*: restore it, or move it away"):
        read_result(file, HEADER, lambda content: content["missing"])
    assert issubclass(ResultError, RAMError)
