"""The demo in Chromium: what it loads, how it plays, keys, mouse and touch, addresses, programs, and how it looks."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.browser import set_screen
from tests.site.demo import traces

CATCH, PLAIN, CLUTTERED = "RAM-CatchGame-v0", "RAM-MNIST-v0", "RAM-ClutteredMNIST-v0"
MAX_BYTES = 3_000_000
NETWORK = {"offline": False, "latency": 40, "downloadThroughput": 20e6 / 8, "uploadThroughput": 5e6 / 8}
"""An ordinary connection: 20 Mbit/s."""
CONTRAST = """
const channels = (text) => text.match(/[\\d.]+/g).map(Number);
const luminance = ([r, g, b]) => [r, g, b].map((value) => value / 255)
  .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
  .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
const background = (element) => {
  for (let one = element; one; one = one.parentElement) {
    const color = channels(getComputedStyle(one).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
const texts = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("button:disabled")) continue;
  const [one, other] = [luminance(channels(getComputedStyle(element).color)), luminance(background(element))];
  const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  texts.push([walker.currentNode.data.trim().slice(0, 40), ratio]);
}
return texts;
"""


class Page:
    """The demo in the browser; ``part`` finds elements of the tab that is shown."""

    def __init__(self, driver, server, query="", **screen):
        self.driver = driver
        set_screen(driver, **{"width": 1280, "height": 800, **screen})
        driver.get("about:blank")
        driver.get_log("browser")  # forgets the messages of the last page
        driver.get(f"{server}/demo/{query}")
        self.wait(lambda: driver.execute_script("return performance.getEntriesByName('interactive').length > 0"))

    def wait(self, condition, seconds=20):
        WebDriverWait(self.driver, seconds, poll_frequency=0.05).until(lambda _: condition())

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def part(self, name, side=None):
        scope = ".view:not([hidden])" + (f" [data-side={side}]" if side else "")
        return self.find(f"{scope} [data-part={name}]")

    def press(self, *keys):
        self.find("body").send_keys(*keys)

    def key(self, down, key):
        action = ActionChains(self.driver)
        (action.key_down(key) if down else action.key_up(key)).perform()

    def select(self, name, text):
        Select(self.part(name)).select_by_visible_text(text)

    def type(self, name, text):
        field = self.part(name)
        field.clear()
        field.send_keys(text, Keys.ENTER)

    def program(self):
        """The text of "Copy as Python"."""
        self.find("[data-part=copy-python]").click()
        return self.find("[data-part=code]").text

    def actions(self):
        """The actions of a person in the program so far: (x, y, answer)."""
        rows = re.findall(r"^    \((.+), (.+), (\d+)\),$", self.program(), re.MULTILINE)
        return [(float(x), float(y), int(answer)) for x, y, answer in rows]

    def verdict(self, side="agent"):
        element = self.part("verdict", side)
        return element.text if element.is_displayed() else ""

    def to_the_end(self, side="agent"):
        """Play at the highest speed until there is a verdict, and return it."""
        self.select("speed", "4×")
        if self.part("play").text != "Pause":
            self.part("play").click()
        self.wait(lambda: self.verdict(side) not in ("", "Press Space or tap to start"))
        verdict = self.verdict(side)
        self.part("play").click()
        return verdict

    def to_the_answer(self):
        """Show the last frame of an episode with a digit, and return the verdict."""
        if self.part("play").text == "Pause":
            self.part("play").click()
        while self.part("step").is_enabled():
            self.part("step").click()
        return self.verdict()


def run(program):
    """Run a program, and return its variables and the steps of its environment."""
    variables = {}
    exec(compile(program, "<program>", "exec"), variables)
    steps = int(variables["env"].unwrapped.state.step[0])
    variables["env"].close()
    return variables, steps


@pytest.fixture
def quiet(browser, server):
    """Open the page without motion: everything starts paused."""
    return lambda query="", **screen: Page(browser, server, query, reduced_motion=True, **screen)


# What it loads.


@pytest.fixture
def cold(browser, server):
    """Open the page over an ordinary connection and with an empty cache."""
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", NETWORK)
    yield lambda query: Page(browser, server, query)
    unlimited = {**NETWORK, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", unlimited)
    browser.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": False})


@pytest.mark.parametrize("query", ["", f"?task={CLUTTERED}&seed=1"])
def test_a_cold_load_is_small_and_loads_only_its_own_files(browser, server, cold, query):
    page = cold(query)
    script = """return performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))
        .map(entry => [entry.name, entry.transferSize])"""
    loaded = [(name, size) for name, size in browser.execute_script(script) if not name.startswith("data:")]
    assert all(name.startswith(f"{server}/demo/") for name, _ in loaded)
    assert 400_000 < sum(size for _, size in loaded) < MAX_BYTES
    page.part("play").click()
    assert browser.get_log("browser") == []


@pytest.mark.slow
@pytest.mark.parametrize("query", ["", f"?task={CLUTTERED}&seed=1"])
def test_the_agent_plays_within_two_seconds_of_a_cold_load(browser, cold, query):
    seconds = []
    for _ in range(3):  # the best of three, since other programs may run on this machine
        cold(query)
        seconds.append(browser.execute_script("return performance.getEntriesByName('interactive')[0].startTime / 1000"))
        if seconds[-1] < 2:
            return
    pytest.fail(f"interactive after {seconds} seconds")


def test_other_agents_load_when_they_are_chosen(browser, server):
    page = Page(browser, server)
    names = "return performance.getEntriesByType('resource').map(entry => entry.name).filter(name => /bin$/.test(name))"
    assert [Path(name).name for name in browser.execute_script(names)] == [f"{CATCH}.bin"]
    page.find("[data-tab=digits]").click()
    page.wait(lambda: len(page.driver.find_elements(By.CSS_SELECTOR, "[data-part=film] li")) == 6)
    assert {Path(name).name for name in browser.execute_script(names)} == {f"{CATCH}.bin", f"{PLAIN}.bin", "images.bin"}


def test_an_agent_that_cannot_be_loaded_is_reported_and_can_be_tried_again(browser, server, quiet):
    page = quiet()
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": [f"*{PLAIN}.bin"]})
    try:
        page.find("[data-tab=digits]").click()
        page.wait(lambda: page.find("[data-part=problem]").is_displayed())
        assert "cannot go on" in page.find("[data-part=problem]").text
    finally:
        browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    page.find("[data-tab=catch]").click()
    assert page.part("play").is_displayed() and not page.find("[data-part=problem]").is_displayed()
    page.find("[data-tab=digits]").click()
    page.wait(lambda: len(page.driver.find_elements(By.CSS_SELECTOR, "[data-part=film] li")) == 6)


def test_a_tab_that_was_left_while_it_loaded_does_not_change_the_address(quiet, browser):
    page = quiet(f"?task={CATCH}&seed=7")
    browser.execute_script("""document.querySelector('[data-tab=digits]').click();
        document.querySelector('[data-tab=catch]').click();""")
    loaded = "return performance.getEntriesByType('resource').some(one => one.name.endsWith('images.bin'))"
    page.wait(lambda: browser.execute_script(loaded))
    with pytest.raises(TimeoutException):
        WebDriverWait(browser, 1.5).until(lambda _: f"task={CATCH}&seed=7" not in browser.current_url)
    assert page.part("step").is_displayed()


# What it does while it loads.


def task_button(page, env_id):
    return page.find(f"[data-task={env_id}]")


def glimpses(page):
    return len(page.driver.find_elements(By.CSS_SELECTOR, "[data-part=film] li"))


def test_controls_wait_for_the_agent(quiet, browser, hold):
    page = quiet(f"?task={PLAIN}&seed=9")
    let_go = hold(f"{CATCH}.bin")
    page.find("[data-tab=catch]").click()
    for element in page.find("[data-mode=you]"), page.part("play"), page.part("new"):
        ActionChains(browser).move_to_element(element).click().perform()
    page.press("n", Keys.SPACE, Keys.ARROW_RIGHT)
    assert not page.find("[data-part=copy-link]").is_enabled()
    assert not page.find("[data-part=copy-python]").is_enabled()
    let_go()
    page.wait(lambda: page.find("[data-part=copy-link]").is_enabled())
    assert page.part("seed").get_attribute("value") == "0" and page.part("play").text == "Play"
    assert page.find("button[data-mode=agent]").get_attribute("aria-pressed") == "true"
    assert "step 0 of 23" in page.part("stage", "agent").accessible_name
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_a_task_that_is_chosen_while_the_first_one_loads_is_played(quiet, browser, hold):
    page = quiet()
    first, second = hold(f"{PLAIN}.bin"), hold(f"{CLUTTERED}.bin")
    page.find("[data-tab=digits]").click()
    task_button(page, CLUTTERED).click()
    first()
    loaded = f"return performance.getEntriesByType('resource').some(one => one.name.endsWith('{PLAIN}.bin'))"
    page.wait(lambda: browser.execute_script(loaded))
    page.press("n")
    second()
    page.wait(lambda: glimpses(page) == 8)
    assert page.part("seed").get_attribute("value") == "0"
    if page.part("play").text == "Play":
        page.part("play").click()
    page.wait(lambda: page.part("caption").text == "Glimpse 2 of 8")
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_the_task_before_is_played_until_the_next_one_is_there(quiet, hold):
    page = quiet(f"?task={PLAIN}&seed=10")
    expected = percentages(page)
    page = quiet(f"?task={PLAIN}&seed=9")
    let_go = hold(f"{CLUTTERED}.bin")
    task_button(page, CLUTTERED).click()
    page.press("n")
    assert percentages(page) == expected
    assert f"pretrained:{PLAIN}" in page.program() and "seed=10" in page.program()
    let_go()
    page.wait(lambda: glimpses(page) == 8)
    assert f"pretrained:{CLUTTERED}" in page.program() and "seed=10" in page.program()


def test_a_task_that_cannot_be_loaded_leaves_the_one_before(quiet, browser):
    page = quiet(f"?task={PLAIN}&seed=9")
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": [f"*{CLUTTERED}.bin"]})
    try:
        task_button(page, CLUTTERED).click()
        page.wait(lambda: page.find("[data-part=problem]").is_displayed())
    finally:
        browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    assert task_button(page, PLAIN).get_attribute("aria-pressed") == "true"
    assert task_button(page, CLUTTERED).get_attribute("aria-pressed") == "false"
    page.press("n")
    assert glimpses(page) == 6 and f"pretrained:{PLAIN}" in page.program()
    task_button(page, CLUTTERED).click()
    page.wait(lambda: glimpses(page) == 8)
    assert not page.find("[data-part=problem]").is_displayed()


@pytest.mark.parametrize(
    ("query", "tab", "other", "env_id"), [("", "digits", "catch", PLAIN), (f"?task={PLAIN}", "catch", "digits", CATCH)]
)
def test_a_tab_that_is_left_and_shown_again_while_it_loads_draws_in_one_loop(
    quiet, browser, hold, query, tab, other, env_id
):
    page = quiet(query)
    let_go = hold(f"{env_id}.bin")
    for name in tab, other, tab, other, tab:
        page.find(f"[data-tab={name}]").click()
    let_go()
    page.wait(lambda: page.find("[data-part=copy-link]").is_enabled())
    script = """const [done] = arguments, next = window.requestAnimationFrame;
        let [requests, frames] = [0, 0];
        window.requestAnimationFrame = (callback) => { requests++; return next(callback); };
        next(function count() {
          if (++frames < 20) return next(count);
          window.requestAnimationFrame = next;
          done(requests / frames);
        });"""
    assert 0.8 < browser.execute_async_script(script) < 1.2


# The agent plays.


def test_the_agent_plays_live_with_the_results_of_python(browser, server):
    caught = traces.play(CATCH, {}, 4)["reward"][-1]
    page = Page(browser, server, f"?task={CATCH}&seed=0")
    page.select("speed", "4×")
    page.wait(lambda: re.match(r"\d of 3 ", page.part("score", "agent").text), 40)
    assert page.part("score", "agent").text == f"{int(caught[:3].sum())} of 3 caught"
    page.wait(lambda: re.search(r"seed=[3-9]", browser.current_url))


def test_nothing_moves_for_a_reader_who_wants_less_motion(quiet, browser):
    page = quiet()
    assert page.part("play").text == "Play"
    with pytest.raises(TimeoutException):
        WebDriverWait(browser, 1).until(lambda _: "step 0" not in page.part("stage", "agent").accessible_name)
    page.press(Keys.ARROW_RIGHT)
    assert "step 1 of 23" in page.part("stage", "agent").accessible_name


@pytest.mark.parametrize("query", ["?seed=12", f"?task={CATCH}&seed=12"])
def test_an_address_gives_the_same_ball(quiet, query):
    page = quiet(query)
    assert page.part("seed").get_attribute("value") == "12"
    verdict = page.to_the_end()
    variables, steps = run(page.program())
    assert steps == 23 and verdict == ("Caught" if variables["reward"] == 1 else "Missed")


def test_an_address_that_is_not_valid_shows_the_first_ball(quiet):
    page = quiet("?task=RAM-Unknown-v0&seed=-4")
    assert page.part("seed").get_attribute("value") == "0"


def test_the_seed_can_be_typed(quiet, browser):
    page = quiet()
    page.type("seed", "41")
    page.wait(lambda: "seed=41" in browser.current_url)
    page.type("seed", "no number")
    assert page.part("seed").get_attribute("value") == "41"


@pytest.mark.slow
def test_it_draws_60_frames_a_second(browser, server):
    page = Page(browser, server)
    assert page.part("play").text == "Pause"
    script = """const [done] = arguments, times = [];
        requestAnimationFrame(function frame(now) {
          times.push(now);
          if (times.length < 121) return requestAnimationFrame(frame);
          const steps = times.slice(1).map((time, index) => time - times[index]).sort((one, other) => one - other);
          done(steps[60]);
        });"""
    assert browser.execute_async_script(script) < 18


def test_keys_that_scroll_the_program_do_not_play(quiet):
    page = quiet(f"?task={CATCH}&seed=12")
    page.program()
    page.find("[data-part=code]").send_keys(Keys.ARROW_RIGHT, "n", Keys.SPACE)
    assert "step 0 of 23" in page.part("stage", "agent").accessible_name
    assert page.part("seed").get_attribute("value") == "12" and page.part("play").text == "Play"


def test_copy_link_gives_the_address_of_the_episode(quiet, browser, server):
    page = quiet(f"?task={CATCH}&seed=12&mode=race")
    browser.execute_script("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.find("[data-part=copy-link]").click()
    page.wait(lambda: page.find("[data-part=copied]").text == "Link copied")
    assert browser.execute_script("return window.copied") == f"{server}/demo/?task={CATCH}&seed=12&mode=race"


# A person plays.


def test_keys_move_the_paddle_and_the_gaze(quiet):
    page = quiet(f"?task={CATCH}&seed=5&mode=you")
    assert "Space" in page.verdict("you")
    page.select("speed", "2×")
    page.key(True, Keys.ARROW_RIGHT)
    page.press(Keys.SPACE)
    page.wait(lambda: len(page.actions()) >= 4)
    page.key(False, Keys.ARROW_RIGHT)
    page.key(True, "w")
    page.key(True, "d")
    page.wait(lambda: page.verdict("you") != "")
    page.key(False, "w")
    page.key(False, "d")
    actions = page.actions()
    assert [answer for *_, answer in actions[1:4]] == [2, 2, 2] and actions[-1][2] == 1
    assert actions[-1][:2] == (1, -1)


def test_the_mouse_moves_the_gaze_and_the_program_repeats_the_episode(quiet, browser):
    page = quiet(f"?task={CATCH}&seed=5&mode=you")
    stage = page.part("stage", "you")
    width = stage.size["width"]
    ActionChains(browser).move_to_element_with_offset(stage, width // 4, -width // 4).click().perform()
    verdict = page.to_the_end("you")
    assert verdict in ("Caught", "Missed")
    program = page.program()
    x, y, _ = page.actions()[0]
    assert (x, y) == pytest.approx((0.5, -0.5), abs=0.02)
    variables, steps = run(program)
    assert steps == 23 and verdict == ("Caught" if variables["reward"] == 1 else "Missed")
    last = page.actions()[-1]
    assert variables["observation"]["location"].tolist() == np.array(last[:2], np.float32).tolist()


def test_touch_moves_gaze_and_paddle_on_a_phone(quiet, browser):
    page = quiet(f"?task={CATCH}&seed=5&mode=you", width=390, height=844)
    page.select("speed", "1×")
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:

        def touch(kind, element, right=0.5, down=0.5):
            rect = browser.execute_script("return arguments[0].getBoundingClientRect().toJSON()", element)
            point = {"x": rect["left"] + right * rect["width"], "y": rect["top"] + down * rect["height"]}
            points = [] if kind == "touchEnd" else [point]
            browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        stage, button = page.part("stage", "you"), page.part("left")
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", stage)
        touch("touchStart", stage, 0.75, 0.25)
        touch("touchEnd", stage)
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
        touch("touchStart", button)
        page.wait(lambda: page.verdict("you") in ("Caught", "Missed"))
        touch("touchEnd", button)
    finally:
        browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    actions = page.actions()
    assert actions[0][:2] == pytest.approx((0.5, -0.5), abs=0.05)
    assert [answer for *_, answer in actions[-10:]] == [0] * 10


def test_after_a_click_on_you_space_starts(quiet):
    page = quiet()
    page.find("[data-mode=you]").click()
    assert page.part("play").text == "Start"
    page.driver.switch_to.active_element.send_keys(Keys.SPACE)
    assert page.part("play").text == "Pause" and page.verdict("you") == ""


def test_a_race_is_about_the_same_ball(quiet):
    page = quiet(f"?task={CATCH}&seed=3&mode=race")
    caught = traces.play(CATCH, {}, 4)["reward"][-1]
    page.to_the_end("you")
    assert page.verdict("agent") == ("Caught" if caught[3] else "Missed")
    assert page.part("score", "you").text.endswith("of 1 caught")
    variables, _ = run(page.program())
    assert page.verdict("you") == ("Caught" if variables["reward"] == 1 else "Missed")


# Digits.


def percentages(page):
    """The most likely digit after each glimpse and its probability in percent."""
    names = [button.accessible_name for button in page.driver.find_elements(By.CSS_SELECTOR, "[data-part=film] button")]
    return [tuple(map(int, re.search(r"most likely (\d), (\d+) %", name).groups())) for name in names]


@pytest.mark.parametrize("env_id", [PLAIN, "RAM-TranslatedMNIST-v0", CLUTTERED, "RAM-ClutteredMNIST100-v0"])
def test_an_address_and_its_program_give_the_same_digit(quiet, suite, env_id):
    page = quiet(f"?task={env_id}&seed=9")
    verdict = page.to_the_answer()
    logits = traces.play(env_id, suite["tasks"][env_id]["arguments"], 10)["logits"][:, 9]
    expected = np.exp(logits - logits.max(1, keepdims=True))
    expected /= expected.sum(1, keepdims=True)
    for (digit, percent), row in zip(percentages(page), expected, strict=True):
        assert digit == row.argmax() and abs(percent - 100 * row.max()) <= 0.51
    variables, steps = run(page.program())
    info = variables["info"]
    right = f"{info['prediction']} · right"
    assert verdict == (right if info["is_success"] else f"{info['prediction']} · wrong, it is a {info['label']}")
    assert steps == len(percentages(page))


def test_a_random_gaze_is_repeated_by_its_program(quiet):
    page = quiet(f"?task={CLUTTERED}&seed=9")
    learned = percentages(page)
    page.select("gaze", "random")
    assert percentages(page) != learned
    page.wait(lambda: page.driver.current_url.endswith("gaze=random"))
    verdict = page.to_the_answer()
    variables, steps = run(page.program())
    assert steps == 8 and verdict.startswith(f"{variables['info']['prediction']} · ")


def test_the_agent_stops_when_it_is_sure(quiet):
    page = quiet(f"?task={PLAIN}&seed=9&stop=0.9")
    shown = percentages(page)
    assert all(percent < 90.5 for _, percent in shown[:-1]) and len(shown) < 6
    verdict = page.to_the_answer()
    variables, steps = run(page.program())
    assert steps == len(shown) and verdict.startswith(f"{variables['info']['prediction']} · ")
    page.part("stops").click()
    assert len(percentages(page)) == 6


def test_a_stop_threshold_outside_the_range_of_the_slider_is_its_nearest(quiet, browser):
    page = quiet(f"?task={PLAIN}&seed=9&stop=0.2")
    assert page.part("sure").text == "P ≥ 0.50"
    assert "stop_threshold=0.5)" in page.program()
    page.wait(lambda: browser.current_url.endswith("stop=0.5"))


@pytest.mark.parametrize("env_id", [CATCH, PLAIN])
def test_space_that_is_held_starts_once(quiet, browser, env_id):
    page = quiet(f"?task={env_id}&seed=9")
    for repeat in "false", "true", "true", "true":
        browser.execute_script(
            f"document.body.dispatchEvent(new KeyboardEvent('keydown', {{key: ' ', repeat: {repeat}, bubbles: true}}))"
        )
        assert page.part("play").text == "Pause"


def test_keys_and_the_film_step_through_the_glimpses(quiet):
    page = quiet(f"?task={PLAIN}&seed=9")
    assert page.part("caption").text == "Glimpse 1 of 6"
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert page.part("caption").text == "Glimpse 2 of 6"
    page.driver.find_elements(By.CSS_SELECTOR, "[data-part=film] button")[4].click()
    assert page.part("caption").text == "Glimpse 5 of 6"
    page.press("n")
    assert page.part("seed").get_attribute("value") == "10"
    page.press(Keys.SPACE)
    assert page.part("play").text == "Pause"
    page.wait(lambda: page.verdict() != "")


def draw_one(page):
    """Draw a vertical line with the mouse."""
    page.select("speed", "4×")
    pad = page.part("pad")
    page.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", pad)
    height = pad.size["height"]
    chain = ActionChains(page.driver).move_to_element_with_offset(pad, 5, -height // 3).click_and_hold()
    for _ in range(6):
        chain.move_by_offset(0, height // 9)
    chain.release().perform()


def test_a_drawn_digit_is_read_and_repeated_by_its_program(quiet):
    page = quiet(f"?task={PLAIN}&seed=1")
    page.find("[data-source=drawn]").click()
    assert page.part("pad-note").is_displayed()
    draw_one(page)
    page.wait(lambda: page.verdict() != "")
    assert page.verdict() == "It is a 1" and not page.part("pad-note").is_displayed()
    variables, steps = run(page.program())
    assert variables["info"]["prediction"] == 1 and steps == 6
    assert variables["images"][0].max() == 255 and variables["info"]["image_index"] == 0
    page.part("clear").click()
    assert page.part("pad-note").is_displayed() and page.verdict() == ""


def test_a_digit_is_drawn_with_the_keyboard(quiet):
    page = quiet(f"?task={PLAIN}&seed=1")
    page.find("[data-source=drawn]").click()
    page.select("speed", "4×")
    pad = page.part("pad")
    pad.send_keys(*[Keys.ARROW_UP] * 10, Keys.SPACE, *[Keys.ARROW_DOWN] * 20, Keys.SPACE)
    page.wait(lambda: page.verdict() != "")
    assert page.verdict() == "It is a 1"


def test_the_pen_of_the_keyboard_is_seen_and_announced(quiet):
    page = quiet(f"?task={PLAIN}&seed=1")
    page.find("[data-source=drawn]").click()
    pad, pen = page.part("pad"), page.part("pen")
    assert not pen.is_displayed()
    pad.send_keys(*[Keys.ARROW_RIGHT] * 5)
    center = pad.rect["x"] + pad.rect["width"] / 2
    assert pen.is_displayed() and pen.rect["x"] > center
    pad.send_keys(Keys.SPACE)
    assert page.find("[data-part=live]").get_attribute("textContent") == "Pen down"
    pad.send_keys(Keys.ARROW_RIGHT, Keys.SPACE)
    assert page.find("[data-part=live]").get_attribute("textContent") == "Pen up"
    page.part("clear").click()
    assert not pen.is_displayed()
    pad.send_keys(Keys.ARROW_DOWN)
    assert pen.rect["x"] + pen.rect["width"] / 2 == pytest.approx(center, abs=1)


def test_a_drawn_digit_is_placed_in_clutter(quiet):
    page = quiet(f"?task={CLUTTERED}&seed=2")
    page.find("[data-source=drawn]").click()
    draw_one(page)
    page.wait(lambda: page.verdict() != "")
    variables, steps = run(page.program())
    assert page.verdict() == f"It is a {variables['info']['prediction']}" and steps == 8


# For everyone.

STATES = ["", "?mode=you", "?mode=race", f"?task={CLUTTERED}", f"?task={PLAIN}&stop=0.9"]


@pytest.mark.parametrize("query", STATES)
def test_every_control_and_picture_has_a_name(quiet, browser, query):
    page = quiet(query)
    page.program()
    controls = browser.find_elements(
        By.CSS_SELECTOR, "button, select, input, canvas[role], svg[role], table, section, pre"
    )
    shown = [control for control in controls if control.is_displayed()]
    assert len(shown) >= 15
    assert [control.get_attribute("outerHTML")[:80] for control in shown if not control.accessible_name] == []
    unnamed = "return [...document.querySelectorAll('canvas:not([role])')].filter(one => !one.closest('button'))"
    assert browser.execute_script(unnamed) == []
    assert browser.execute_script("return document.documentElement.lang") == "en"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("query", STATES)
def test_text_has_contrast(quiet, browser, query, dark):
    page = quiet(query, dark=dark)
    page.program()
    texts = browser.execute_script(CONTRAST)
    assert len(texts) > 25
    assert [(text, round(ratio, 2)) for text, ratio in texts if ratio < 4.5] == []


def test_the_contrast_check_notices_faint_text(quiet, browser):
    quiet()
    browser.execute_script("document.querySelector('h1').style.color = '#999'")
    assert any(ratio < 4.5 for _, ratio in browser.execute_script(CONTRAST))


def test_tab_reaches_every_control_in_the_order_of_the_page(quiet, browser):
    quiet()
    names = []
    for _ in range(16):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        names.append(browser.switch_to.active_element.accessible_name)
    expected = ["Skip to the demo", "Catch", "Digits", "Agent", "You", "Race", "Play", "Step", "New ball", "Speed"]
    assert names[: len(expected)] == expected
    assert {"Seed", "Show scene", "Copy link", "Copy as Python"} <= set(names)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    ("name", "query"), [("catch", "?seed=3"), ("race", "?seed=3&mode=race"), ("digits", f"?task={CLUTTERED}&seed=4")]
)
def test_it_fits_the_screen(quiet, browser, tmp_path, name, query, width, dark):
    """Set DEMO_SCREENSHOTS to a folder to look at the pictures."""
    page = quiet(query, width=width, height=844, dark=dark)
    for _ in range(3):
        page.press(Keys.ARROW_RIGHT)
    folder = Path(os.environ.get("DEMO_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}-{width}-{'dark' if dark else 'light'}.png"
    browser.save_screenshot(str(file))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    picture = np.asarray(Image.open(file).convert("L"), dtype=float)
    assert (picture.mean() < 80) if dark else (picture.mean() > 150)
    stage = page.part("stage", "agent")
    assert stage.size["width"] >= 165 and stage.rect["y"] + stage.size["height"] <= 844
    script = """const { width, height } = arguments[0];
        return new Set(arguments[0].getContext('2d').getImageData(0, 0, width, height).data).size"""
    assert browser.execute_script(script, stage) > 12  # brightnesses
    for button in browser.find_elements(By.CSS_SELECTOR, "button"):
        if button.is_displayed():
            left, right = button.rect["x"], button.rect["x"] + button.rect["width"]
            assert left >= 0 and right <= width, button.accessible_name
            assert button.size["height"] >= (40 if "quiet" not in (button.get_attribute("class") or "") else 32)


def test_the_data_of_the_page_is_what_the_package_has(suite, site):
    assert suite["split"] == "test[:500]" and suite["images"]["count"] == 500
    assert suite["tasks"][CATCH]["rules"]["screen_size"] == 24
    settings = json.loads((site / "demo" / "data" / f"{CATCH}.json").read_text())["settings"]
    assert settings["core"] == "lstm" and settings["glimpse_shape"] == [3, 1, 6, 6]
