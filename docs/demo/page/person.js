// A person who plays: arrow keys and buttons move the paddle; mouse, touch and the keys W A S D move the gaze.

const LEFT = 0;
const STAY = 1;
const RIGHT = 2;
const ARROWS = { ArrowLeft: LEFT, ArrowRight: RIGHT };
const GAZE_KEYS = { w: [0, -1], a: [-1, 0], s: [0, 1], d: [1, 0] };
const GAZE_SPEED = 1.6; // of the keys, per second; the scene is 2 wide
const NUDGE = 0.06; // of one press

const within = (value) => Math.min(Math.max(value, -1), 1);

export class Person {
  /**
   * @param {HTMLCanvasElement} canvas The stage.
   * @param {Object<string, HTMLElement>} buttons "left" and "right".
   */
  constructor(canvas, buttons) {
    this.gaze = [0, 0];
    this.held = new Set(); // moves and gaze keys that are down
    this.tapped = null; // a move since the last step, even if it is up again
    const look = (event) => {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      this.lookAt((2 * (event.clientX - left)) / width - 1, (2 * (event.clientY - top)) / height - 1);
    };
    canvas.addEventListener("pointermove", look);
    canvas.addEventListener("pointerdown", look);
    for (const [move, button] of [
      [LEFT, buttons.left],
      [RIGHT, buttons.right],
    ]) {
      button.addEventListener("pointerdown", (event) => {
        button.setPointerCapture?.(event.pointerId);
        this.press(move);
      });
      for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
        button.addEventListener(name, () => this.held.delete(move));
      }
      button.addEventListener("click", (event) => {
        if (event.detail === 0) this.tapped = move; // by keyboard or screen reader: no pointer went down before it
      });
      button.addEventListener("contextmenu", (event) => event.preventDefault());
    }
    window.addEventListener("blur", () => this.release());
  }

  /** Let go of every key and button. */
  release() {
    this.held.clear();
  }

  /** Forget what was tapped: it was not meant for the steps that follow. */
  forget() {
    this.tapped = null;
  }

  lookAt(x, y) {
    this.gaze = [within(x), within(y)];
  }

  press(move, repeated = false) {
    this.held.add(move);
    if (!repeated) this.tapped = move;
  }

  /** Handle a key that goes down; return whether it is one of the game's. */
  keyDown(event) {
    if (event.key in ARROWS) this.press(ARROWS[event.key], event.repeat);
    else if (event.key.toLowerCase() in GAZE_KEYS) {
      const [x, y] = GAZE_KEYS[event.key.toLowerCase()];
      if (!event.repeat) this.lookAt(this.gaze[0] + NUDGE * x, this.gaze[1] + NUDGE * y);
      this.held.add(event.key.toLowerCase());
    } else return false;
    return true;
  }

  keyUp(event) {
    this.held.delete(event.key in ARROWS ? ARROWS[event.key] : event.key.toLowerCase());
  }

  /** Move the gaze by the keys that are down; return whether it has moved. */
  glide(seconds) {
    const [x, y] = this.gaze;
    for (const [key, [right, down]] of Object.entries(GAZE_KEYS)) {
      if (!this.held.has(key)) continue;
      this.lookAt(this.gaze[0] + right * GAZE_SPEED * seconds, this.gaze[1] + down * GAZE_SPEED * seconds);
    }
    return x !== this.gaze[0] || y !== this.gaze[1];
  }

  /** Return the next action. */
  act() {
    const moves = [LEFT, RIGHT].filter((move) => this.held.has(move));
    const answer = moves.length === 1 ? moves[0] : (this.tapped ?? STAY);
    this.tapped = null;
    return { fixation: [...this.gaze], answer };
  }
}
