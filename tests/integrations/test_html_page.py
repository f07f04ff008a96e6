"""The page of `ram watch --html` in Chromium, headless: buttons, keys, what is drawn, and how it fits a phone."""

import base64
import json
import re
import zlib

import numpy as np
import pytest
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from agents.cli import main
from tests.browser import open_browser, set_screen

TINY = ["--core-size=8", "--glimpse-hidden=8", "--location-hidden=8", "--glimpse-features=8", "--device=cpu"]
READ_PIXEL = "return [...arguments[0].getContext('2d').getImageData(arguments[1], arguments[2], 1, 1).data]"


@pytest.fixture(scope="module")
def browser():
    driver = open_browser()
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The pages of a trained agent in a game and in classification, and of an agent that zooms in color images."""
    folder = tmp_path_factory.mktemp("pages")
    images = np.random.default_rng(0).integers(0, 255, (40, 24, 32, 3), dtype=np.uint8)
    np.savez(
        folder / "images.npz", x_train=images, y_train=np.arange(40) % 12, x_test=images, y_test=np.arange(40) % 12
    )
    dataset = f"--dataset={folder / 'images.npz'}"
    sensor = ["--sensor=zoom", "--patch-size=6", "--num-scales=2"]
    train = ["train", "RAM-Images-v0", dataset, *sensor, *TINY, "--epochs=1", f"--out={folder / 'run'}"]
    assert main(train) == 0
    sources = {"catch": "pretrained:RAM-CatchGame-v0", "digits": "pretrained:RAM-Digits-v0", "zoom": folder / "run"}
    for name, checkpoint in sources.items():
        assert main(["watch", str(checkpoint), "--html", str(folder / f"{name}.html"), "--episodes", "3"]) == 0
    return folder


class Page:
    """A page in the browser, and the data in its file."""

    def __init__(self, driver, file, width=1280, height=800, dark=False):
        self.driver = driver
        text = file.read_text(encoding="utf-8")
        self.data = json.loads(re.search(r'id="episodes">(.*?)</script>', text, re.S)[1])
        set_screen(driver, width, height, dark)
        driver.get_log("browser")  # forgets the messages of the last page
        driver.get(file.as_uri())
        self.wait(lambda: self.text("counter") != "")

    def part(self, name):
        return self.driver.find_element(By.CSS_SELECTOR, f"[data-part={name}]")

    def text(self, name):
        return self.part(name).text

    def click(self, name):
        self.part(name).click()

    def press(self, key):
        self.driver.find_element(By.TAG_NAME, "body").send_keys(key)

    def wait(self, condition):
        WebDriverWait(self.driver, 15, poll_frequency=0.05).until(lambda _: condition())

    def frame(self):
        return int(re.match(r"Frame (\d+) of", self.text("counter"))[1])

    def bars(self):
        """The heights of all bars in percent, by the name of the answer, and the percentages beside them."""
        script = """return [...document.querySelectorAll('.bars tbody tr')].map(row => [
            row.querySelector('th').textContent,
            [...row.querySelectorAll('.track > span')].map(bar => parseFloat(bar.style.height)),
            row.querySelector('.percent').textContent])"""
        return {name: (heights, percent) for name, heights, percent in self.driver.execute_script(script)}

    def pixel(self, name, left, top):
        return self.driver.execute_script(READ_PIXEL, self.part(name), left, top)[:3]


def test_buttons_step_and_the_bars_are_the_probabilities(browser, files):
    page = Page(browser, files / "catch.html")
    episode = page.data["episodes"][0]
    assert page.text("counter") == "Frame 1 of 24" and not page.part("back").is_enabled()
    for frame in (2, 3, 4):
        page.click("step")
        assert page.frame() == frame
        bars = page.bars()
        assert list(bars) == ["left", "stay", "right"]
        for answer, (heights, percent) in enumerate(bars.values()):
            expected = [100 * row[answer] for row in episode["probabilities"][:frame]]
            assert heights[:frame] == pytest.approx(expected) and not any(heights[frame:])
            assert abs(float(percent.removesuffix(" %")) - expected[-1]) <= 0.5
        assert float(page.text("value-now")) == pytest.approx(episode["values"][frame - 1], abs=0.006)
    page.click("back")
    assert page.frame() == 3


def test_play_runs_to_the_end_and_starts_again(browser, files):
    page = Page(browser, files / "digits.html")
    speed = Select(page.part("speed"))
    speed.select_by_visible_text("¼×")  # so that a slow machine does not pause at the end
    page.click("play")
    assert page.text("play") == "Pause"
    page.wait(lambda: page.frame() >= 2)
    page.click("play")
    stopped = page.text("counter")
    assert page.text("play") == "Play"
    speed.select_by_visible_text("4×")
    with pytest.raises(TimeoutException):
        WebDriverWait(browser, 1).until(lambda _: page.text("counter") != stopped)
    page.click("play")
    page.wait(lambda: page.text("play") == "Play")
    assert page.frame() == len(page.data["episodes"][-1]["frames"])
    assert page.text("caption").endswith(f"score so far: {page.data['episodes'][-1]['score']}")
    assert not page.part("step").is_enabled()
    page.click("play")
    assert Select(page.part("episode")).first_selected_option.text == "1 of 3"


def test_keys_play_and_step(browser, files):
    page = Page(browser, files / "catch.html")
    page.press(Keys.ARROW_RIGHT)
    page.press(Keys.ARROW_RIGHT)
    page.press(Keys.ARROW_LEFT)
    assert page.frame() == 2
    page.press(Keys.SPACE)
    page.wait(lambda: page.frame() > 3)
    page.press(Keys.SPACE)
    assert page.text("play") == "Play"
    page.part("step").send_keys(Keys.SPACE)  # a button that has the focus keeps its key
    assert page.text("play") == "Play"


def test_an_episode_and_a_frame_are_chosen(browser, files):
    page = Page(browser, files / "digits.html")
    Select(page.part("episode")).select_by_visible_text("3 of 3")
    assert page.frame() == 1 and page.data["episodes"][2]["frames"][0]["caption"] == page.text("caption")
    page.part("position").send_keys(Keys.END)
    assert page.frame() == len(page.data["episodes"][2]["frames"])
    page.click("back")
    Select(page.part("episode")).select_by_visible_text("2 of 3")
    page.press(Keys.ARROW_LEFT)
    assert page.text("caption").startswith(page.data["episodes"][0]["frames"][-1]["caption"])


def test_the_scene_is_drawn_from_the_data(browser, files):
    page = Page(browser, files / "zoom.html")
    height, width, channels = page.data["scene"]["stored"]
    pixels = np.frombuffer(zlib.decompress(base64.b64decode(page.data["pixels"])), np.uint8)
    scene = pixels[: height * width * channels].reshape(height, width, channels)
    scale = browser.execute_script("return arguments[0].width", page.part("scene")) / width
    drawn = np.array(
        [
            [page.pixel("scene", (column + 0.5) * scale, (row + 0.5) * scale) for column in range(0, width, 4)]
            for row in range(0, height, 4)
        ]
    )
    same = (drawn == scene[::4, ::4]).all(axis=-1)
    assert same.mean() > 0.6  # the rest is under the outlines and the gaze
    panels = browser.find_elements(By.CSS_SELECTOR, ".panels figure")
    assert len(panels) == 2 and all(panel.text.endswith("px") for panel in panels)
    assert "10 most probable of 12" in page.text("bars-title") and len(page.bars()) == 10
    assert not page.part("value").is_displayed()


def test_hiding_draws_fog_where_the_agent_does_not_look(browser, files):
    page = Page(browser, files / "digits.html")
    outlines = np.array(page.data["episodes"][0]["frames"][0]["outlines"][0])
    side = browser.execute_script("return arguments[0].width", page.part("scene")) / page.data["scene"]["width"]
    corners = [(0.5, 0.5), (7.5, 0.5), (0.5, 7.5), (7.5, 7.5)]
    unseen = [
        (x, y)
        for x, y in corners
        if not (outlines[1] <= x < outlines[1] + outlines[3] and outlines[0] <= y < outlines[0] + outlines[2])
    ]
    page.click("hide")
    fog = [int(page.data["style"][name][1:3], 16) for name in ("fog", "hatch")]
    assert unseen
    for x, y in unseen:
        assert fog[0] <= page.pixel("scene", int(x * side), int(y * side))[0] <= fog[1]


@pytest.mark.parametrize("name", ["catch", "digits", "zoom"])
@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_all_of_it(browser, files, name, dark):
    page = Page(browser, files / f"{name}.html", width=390, height=844, dark=dark)
    assert browser.execute_script("return document.documentElement.scrollWidth") == 390
    for part in ("play", "step", "back", "episode", "speed", "position"):
        rect = page.part(part).rect
        assert rect["x"] >= 0 and rect["x"] + rect["width"] <= 390 and rect["height"] >= 40
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(24, 26, 31)" if dark else "rgb(255, 255, 255)")


@pytest.mark.parametrize("name", ["catch", "digits", "zoom"])
def test_nothing_is_loaded_and_nothing_goes_wrong(browser, files, name):
    page = Page(browser, files / f"{name}.html")
    page.click("step")
    assert browser.get_log("browser") == []
    assert browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)") == []


def test_every_control_has_a_name(browser, files):
    Page(browser, files / "catch.html")
    controls = browser.find_elements(By.CSS_SELECTOR, "button, select, input, canvas, svg, table")
    assert len(controls) >= 11
    assert all(control.accessible_name for control in controls if control.is_displayed())
