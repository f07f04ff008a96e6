"""The build of the demo: what it writes, and what it does not overwrite."""

import json
import shutil

import numpy as np
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait


def test_a_folder_with_other_files_is_left_alone(builder, tmp_path):
    (tmp_path / "thesis.txt").write_text("chapter 1")
    with pytest.raises(SystemExit, match="is not empty and holds no demo"):
        builder.build(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_earlier_demo_is_replaced(builder, tmp_path):
    builder.build(tmp_path / "demo", "../index.html")
    (tmp_path / "demo" / "page" / "old.js").write_text("")
    builder.build(tmp_path / "demo")
    assert not (tmp_path / "demo" / "page" / "old.js").exists()
    assert json.loads((tmp_path / "demo" / "data" / "suite.json").read_text())["home"] is None


@pytest.mark.parametrize("earlier", [False, True])
def test_a_build_that_fails_changes_nothing_and_can_be_repeated(builder, site, tmp_path, monkeypatch, earlier):
    out = tmp_path / "demo"
    if earlier:
        shutil.copytree(site / "demo", out)

    def fail(data):
        raise FileNotFoundError("no MNIST")

    files = sorted(tmp_path.rglob("*"))
    with monkeypatch.context() as patch:
        patch.setattr(builder, "_write_images", fail)
        with pytest.raises(FileNotFoundError, match="no MNIST"):
            builder.build(out)
    assert sorted(tmp_path.rglob("*")) == files
    builder.build(out)
    assert sorted(file.relative_to(out) for file in out.rglob("*")) == sorted(
        file.relative_to(site / "demo") for file in (site / "demo").rglob("*")
    )
    assert [file.name for file in tmp_path.iterdir()] == ["demo"]


def test_a_demo_is_built_into_an_empty_folder_that_a_web_server_may_read(builder, tmp_path):
    (tmp_path / "demo").mkdir()
    mode = (tmp_path / "demo").stat().st_mode
    builder.build(tmp_path / "demo")
    assert (tmp_path / "demo" / "data" / "suite.json").exists()
    assert (tmp_path / "demo").stat().st_mode == mode


def test_a_link_leads_to_the_documentation(builder, site, server, browser):
    builder.build(site / "linked", "../index.html")
    browser.get(f"{server}/linked/")
    link = browser.find_element(By.CSS_SELECTOR, "[data-part=home]")
    WebDriverWait(browser, 10).until(lambda _: link.is_displayed())
    assert link.get_attribute("href") == f"{server}/index.html"


def test_every_module_of_the_page_is_preloaded(site):
    demo = site / "demo"
    page = (demo / "index.html").read_text()
    modules = {file.relative_to(demo).as_posix() for file in demo.rglob("*.js")} - {"shared/player.js"}
    assert [module for module in sorted(modules) if f'href="{module}"' not in page] == []


def test_only_what_the_page_needs_is_copied(site):
    suffixes = {file.suffix for file in (site / "demo").rglob("*") if file.is_file()}
    assert suffixes == {".html", ".css", ".js", ".json", ".bin"}
    assert not (site / "demo" / "package.json").exists()


def test_packed_arrays_are_aligned_and_described(builder):
    arrays = {"one": np.arange(3, dtype=np.uint8), "two": np.arange(2, dtype=np.float32)}
    description, content = builder.pack(arrays)
    assert description["two"] == {"dtype": "float32", "shape": (2,), "offset": 4}
    assert content == b"\0\1\2\0" + arrays["two"].tobytes()
