"""The built site: links and anchors, widths, colour schemes, console messages, and clicks from the first page."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlparse

import pytest

from docs.site.__main__ import DEMO
from docs.site.environments import environment_ids
from docs.site.pictures import has_images
from docs.site.staging import NAVIGATION
from tests.browser import set_screen

WIDTHS = (1280, 390)
MOST_CLICKS = 2
WITHIN_TWO_CLICKS = {
    "own-images.html": "train on your own images",
    "benchmark-own-algorithm.html": "write one class",
    "notebooks/own-algorithm.html": "your algorithm on catch",
    "environments.html#which-id-for-which-algorithm": "dqn",
    "environments/RAM-CatchGame-v0.html": "ram-catchgame-discrete-v0",
    "faq.html#why-is-my-agent-at-chance": "the action format",
    "libraries.html": "recurrentppo",
    "install.html": "pip install",
    "api/index.html": "vectorglimpse",
}
"""What a newcomer looks for: the page, and a phrase that it must have."""
KEY_PAGES = (
    "index.html",
    "quickstart.html",
    "environments.html",
    "environments/RAM-CatchGame-v0.html",
    "agent.html",
    "results.html",
    "faq.html",
    "notebooks/watch.html",
    "api/ram_envs.tasks.html",
    "performance.html",
)
"""Pages that are looked at in both colour schemes."""


class Page(HTMLParser):
    """The links, the anchors and the text of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors, self.resources, self.words = [], set(), [], []
        self._hidden = 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.anchors |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        self.resources += [values[name] for name in ("src", "data") if values.get(name)]
        if tag == "link" and values.get("rel") not in ("next", "prev", "index", "search"):
            self.resources.append(values["href"])
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag):
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data):
        if not self._hidden:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split()).lower()


@pytest.fixture(scope="session")
def pages(site):
    """All pages by their names; the demo has tests of its own."""
    files = {file.relative_to(site).as_posix(): file for file in site.rglob("*.html")}
    kept = {name: file for name, file in files.items() if not name.startswith(("demo/", "media/", "_downloads/"))}
    return {name: Page(file.read_text(encoding="utf-8")) for name, file in kept.items()}


def target(page, link):
    """Return the file and the anchor that a link of a page leads to; None for one to another site."""
    if urlparse(link).scheme or link.startswith("//"):
        return None
    parts = urlparse(urljoin(f"http://site/{page}", link))
    name = unquote(parts.path).lstrip("/")
    return (name + "index.html" if name.endswith("/") or not name else name), unquote(parts.fragment)


def test_every_page_is_there(pages):
    expected = {page for section in NAVIGATION.values() for page in section}
    expected |= {f"environments/{id}" for id in environment_ids()} | {"index"}
    assert {f"{page}.html" for page in expected} <= pages.keys()
    assert len(pages) > 80


def test_links_and_anchors_lead_somewhere(site, pages):
    broken = []
    for name, page in pages.items():
        for link in page.links:
            place = target(name, link)
            if place is None:
                continue
            file, anchor = place
            known = not anchor or file not in pages or anchor in pages[file].anchors
            if not (site / file).is_file() or not known:
                broken.append((name, link))
    assert broken == []


def test_what_pages_load_is_part_of_the_site(site, pages):
    missing = []
    for name, page in pages.items():
        for link in page.resources:
            place = target(name, link)
            if not link.startswith("data:") and (place is None or not (site / place[0]).is_file()):
                missing.append((name, link))
    assert missing == []


def test_every_environment_has_a_picture_and_every_trained_agent_a_page_to_step_through(site, pages):
    from agents.pretrained import pretrained_ids

    for id in environment_ids():
        page = pages[f"environments/{id}.html"]
        animated = any(f"{id}.gif" in resource for resource in page.resources)
        steps = any(link.endswith(f"media/{id}.html") for link in page.links)
        if not animated:
            assert "MNIST" in id and "images were not available" in page.text and not has_images("RAM-MNIST-v0"), id
        assert steps == (animated and id in pretrained_ids()), id
        for words in ("action space", "observation space", "rewards", "version history" if "Glimpse" not in id else ""):
            assert words in page.text, (id, words)


def test_the_home_page_links_the_demo(site, pages):
    built = (site / "demo" / "index.html").exists()
    assert built == (DEMO.exists() and has_images("RAM-MNIST-v0"))
    assert ("demo/index.html" in pages["index.html"].links) == built


def test_notebooks_were_executed(pages, site):
    for name, words in (("watch", "its own gaze:"), ("own-algorithm", "a random player:")):
        assert re.search(rf"{words} +[\d.]+%", pages[f"notebooks/{name}.html"].text)
        assert (site / "notebooks" / f"{name}.html").read_text(encoding="utf-8").count("cell_output") >= 3


def test_no_page_shows_a_warning_or_a_path_of_the_machine_that_built_it(site, pages):
    for name in pages:
        text = (site / name).read_text(encoding="utf-8")
        assert "output stderr" not in text and "Traceback (most recent call last)" not in text, name
        assert str(site.parents[1]) not in text, name


def clicks(pages):
    """Return the fewest clicks from the first page to every page, and to every anchor that a link names.

    Only links in the article count, not those of the sidebar, which a phone hides.
    """
    distance = {"index.html": 0}
    queue = ["index.html"]
    for name in queue:
        if name.partition("#")[0] not in pages:
            continue
        for link in pages[name.partition("#")[0]].links:
            place = target(name.partition("#")[0], link)
            if place is None or place[0] not in pages:
                continue
            file, anchor = place
            for reached in {file, f"{file}#{anchor}" if anchor else file}:
                if reached not in distance:
                    distance[reached] = distance[name] + 1
                    queue.append(reached)
    return distance


@pytest.fixture(scope="session")
def articles(site):
    """The pages without sidebar, header and footer."""
    found = {}
    for file in site.rglob("*.html"):
        match = re.search(r"<article.*?</article>", file.read_text(encoding="utf-8"), re.DOTALL)
        if match:
            found[file.relative_to(site).as_posix()] = Page(match[0])
    return found


def test_a_newcomer_finds_everything_within_two_clicks(articles):
    distance = clicks(articles)
    for place, phrase in WITHIN_TWO_CLICKS.items():
        assert distance.get(place, 99) <= MOST_CLICKS, place
        assert phrase in articles[place.partition("#")[0]].text, (place, phrase)
    home = articles["index.html"].text
    for question in ("use my own images", "use my own algorithm", "which id dqn needs"):
        assert question in home


def show(browser, url, width, dark=False):
    """Open a page in a window of a width."""
    set_screen(browser, width, 900, dark)
    browser.get_log("browser")  # forgets the messages of the last page
    browser.get(url)


# Elements that stick out to the right of the window, unless a parent of theirs scrolls.
OVERFLOWING = """
const wide = [];
for (const element of document.querySelectorAll('article *, header *')) {
  const box = element.getBoundingClientRect();
  if (box.width && box.right > window.innerWidth + 1) {
    let parent = element.parentElement, scrolls = false;
    for (; parent; parent = parent.parentElement)
      scrolls ||= ['auto', 'scroll', 'hidden'].includes(getComputedStyle(parent).overflowX);
    if (!scrolls) wide.push(element.outerHTML.slice(0, 120));
  }
}
return wide;
"""


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_scrolls_sideways_or_complains(browser, address, pages, width):
    problems = {}
    for name in pages:
        show(browser, f"{address}/{name}", width)
        found = [message["message"] for message in browser.get_log("browser")]
        if browser.execute_script("return document.documentElement.scrollWidth") > width:
            found.append("scrolls sideways")
        found += browser.execute_script(OVERFLOWING)
        if found:
            problems[name] = found
    assert problems == {}


# Contrast of text and background (WCAG 2.1): at least 4.5 for text.
CONTRAST = """
const parse = colour => { const n = colour.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
  .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const low = [];
for (const element of document.querySelectorAll('article p, article li, article td, article a, article h1')) {
  if (!element.textContent.trim() || !element.getBoundingClientRect().width) continue;
  let back = element, colour = [0, 0, 0, 0];
  for (; back && colour[3] < 1; back = back.parentElement) colour = parse(getComputedStyle(back).backgroundColor);
  const [one, other] = [light(parse(getComputedStyle(element).color)), light(colour)];
  const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  if (ratio < 4.5) low.push([element.textContent.trim().slice(0, 40), ratio]);
}
return [getComputedStyle(document.body).backgroundColor, low];
"""


@pytest.mark.parametrize("dark", [False, True])
def test_both_colour_schemes_can_be_read(browser, address, dark):
    backgrounds = set()
    for name in KEY_PAGES:
        show(browser, f"{address}/{name}", 1280, dark)
        background, low = browser.execute_script(CONTRAST)
        backgrounds.add(background)
        assert low == [], name
    assert len(backgrounds) == 1
    red, green, blue = map(int, re.findall(r"\d+", backgrounds.pop())[:3])
    assert (max(red, green, blue) < 64) if dark else (min(red, green, blue) > 240)


def test_pictures_have_a_description(site):
    for file in (site / name for name in KEY_PAGES):
        article = re.search(r"<article.*?</article>", file.read_text(encoding="utf-8"), re.DOTALL)[0]
        pictures = re.findall(r"<img [^>]*>", article)
        assert all(re.search(r'alt="[^"]+"', picture) for picture in pictures), file


def test_the_search_finds_a_page(browser, address):
    from selenium.webdriver.support.ui import WebDriverWait

    show(browser, f"{address}/search.html?q=zoom", 1280)
    found = "return [...document.querySelectorAll('#search-results li a')].map(link => link.href)"
    WebDriverWait(browser, 30).until(lambda _: browser.execute_script(found))
    assert any("ram_envs.sensors.zoom" in link for link in browser.execute_script(found))
