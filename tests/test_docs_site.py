"""What `make docs` generates before Sphinx runs: pages of environments, links, and the list of extras."""

import re
from configparser import ConfigParser
from pathlib import Path

import pytest

from docs.site import __main__ as site
from docs.site.environments import environment_ids, environment_page, example, stand_in
from docs.site.staging import NAVIGATION, rewrite_links, stage
from ram_envs import ENVIRONMENTS
from ram_envs.registration import GLIMPSE_ID

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The sources of the site, without recordings and without the demo."""
    folder = tmp_path_factory.mktemp("source")
    stage(folder, {}, demo=False)
    return folder


@pytest.mark.parametrize("id", environment_ids())
def test_the_example_of_an_environment_runs(id, capsys):
    # The same program, with small images in place of a download.
    program = example(id).replace(', dataset="photos", resize=64', "")
    if "dataset" in stand_in(id):
        program = program.replace(f'"ram_envs:{id}"', f'"ram_envs:{id}", dataset=IMAGES')
    exec(compile(program, id, "exec"), {"IMAGES": stand_in(id).get("dataset")})
    assert re.match(r"[\d.]+ \{", capsys.readouterr().out)


@pytest.mark.parametrize("id", environment_ids())
def test_the_page_of_an_environment_has_its_documentation(id):
    page = environment_page(id, ("file.gif", "A caption."))
    for heading in (
        "Example",
        "Ids and action spaces",
        "Description",
        "Action Space",
        "Observation Space",
        "Arguments",
    ):
        assert f"\n## {heading}\n" in page
    assert "../media/file.gif" in page and id.replace("-v0", "-Discrete-v0") in page
    if id != GLIMPSE_ID:
        assert "\n## Rewards\n" in page and "\n## Version History\n- v0: " in page
        settings = {name for name in ENVIRONMENTS[id] if name != "task"}
        assert all(f"| `{name}` | `" in page.split("## Registered settings")[1] for name in settings)


def test_every_registered_environment_has_a_page(source):
    ids = {id for id in ENVIRONMENTS if id in environment_ids()}
    assert len(ids) == 11 and {f"{id}.md" for id in environment_ids()} == {
        file.name for file in (source / "environments").iterdir()
    }


def test_every_page_is_in_the_sidebar(source):
    pages = [page for section in NAVIGATION.values() for page in section]
    assert len(set(pages)) == len(pages)
    assert all((source / f"{page}.md").exists() or (source / f"{page}.ipynb").exists() for page in pages)
    assert {file.stem for file in source.glob("*.md")} - {"index"} == {page for page in pages if "/" not in page}


def test_without_a_demo_nothing_links_to_it(source, tmp_path):
    assert "demo" not in (source / "index.md").read_text(encoding="utf-8").lower()
    stage(tmp_path, {}, demo=True)
    assert 'href="demo/index.html"' in (tmp_path / "index.md").read_text(encoding="utf-8")


def test_links_lead_to_pages_and_files_of_the_site():
    kept = []

    def keep(path):
        kept.append(path)
        return f"files/{path}"

    text = (
        "[a](results.md#tables), [b](../examples/vector.py), [c](api.md), [d](https://example.org/x.md), "
        "[e](../agents/agent.py), [f](#here), ![g](figures/catch.gif)\n```\n[h](results.md)\n```\n"
    )
    expected = (
        "[a](../results.md#tables), [b](../examples/vector.md), [c](../api/index.md), [d](https://example.org/x.md), "
        "[e](../files/agents/agent.py), [f](#here), ![g](../figures/catch.gif)\n```\n[h](results.md)\n```\n"
    )
    assert rewrite_links(text, "docs", "environments/page.md", keep) == expected
    assert kept == ["agents/agent.py"]


def test_a_link_to_nothing_ends_the_build(tmp_path):
    from docs.site import staging

    with pytest.raises(FileNotFoundError, match="agents/nothing.py"):
        rewrite_links("[a](../agents/nothing.py)", "docs", "a.md", lambda path: staging.keep_file(tmp_path, path))


def test_the_page_about_installing_lists_the_extras():
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    listed = [name for row in re.findall(r"^\| (`.*?`) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert sorted(listed) == sorted(config["options.extras_require"])


def test_the_versions_of_the_extra_for_the_site_are_pinned():
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    needed = re.findall(r"^([\w-]+)>=", config["options.extras_require"]["docs"], re.MULTILINE)
    pinned = re.findall(r"^([\w-]+)==", (ROOT / "constraints-docs.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert needed and {*needed} <= {*pinned} and sorted(pinned) == pinned


def test_a_folder_with_other_files_is_kept(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(SystemExit):
        site.main(["--quick", "--out", str(tmp_path)])
    assert f"--out={tmp_path} holds other files and no site: choose a new folder" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_site_takes_the_place_of_an_earlier_one_when_it_is_complete(tmp_path, monkeypatch):
    out, fails = tmp_path / "site", True
    out.mkdir()
    for name in (site.MARKER, "old.html"):
        (out / name).touch()

    def build(folder, quick):
        (folder / "site").mkdir()
        (folder / "site" / site.MARKER).touch()
        if fails:
            raise RuntimeError("a warning")
        return folder / "site"

    monkeypatch.setattr(site, "_build", build)
    with pytest.raises(RuntimeError):
        site.main(["--out", str(out)])
    assert (out / "old.html").exists()
    fails = False
    assert site.main(["--out", str(out)]) == 0
    assert [path.name for path in out.iterdir()] == [site.MARKER] and list(tmp_path.iterdir()) == [out]
