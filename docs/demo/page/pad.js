// The pad to draw a digit on, with mouse, touch or the keyboard.

import { normalise } from "./digit.js";

const SIDE = 140; // pixels of the pad, whatever its size on the screen
const PEN = 11;
const STEP = 4; // of the keyboard's pen
const REST_MS = 450; // after the last stroke
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  /**
   * @param {HTMLCanvasElement} canvas Where to draw.
   * @param {HTMLElement} marker Shows where the keyboard's pen is.
   * @param {object} on
   * @param {function()} on.begun Called when there is ink.
   * @param {function(?Uint8Array)} on.drawn Called with the image, 28 x 28, after a stroke; null when it is empty.
   * @param {function(string)} on.announce Called with what a screen reader has to say.
   */
  constructor(canvas, marker, { begun, drawn, announce }) {
    Object.assign(this, { canvas, marker, begun, drawn, announce });
    canvas.width = canvas.height = SIDE;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    canvas.addEventListener("pointerdown", (event) => {
      marker.hidden = true;
      // A second finger, the palm beside a pen and the right mouse button do not draw.
      if (this.stroke || !event.isPrimary || event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.pointer = event.pointerId;
      this.stroke = this.place(event);
      this.line(this.stroke, this.stroke);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.stroke || event.pointerId !== this.pointer) return;
      if (!(event.buttons & 1)) {
        this.stroke = null; // another button of the mouse is still down
        return;
      }
      const moves = event.getCoalescedEvents?.() ?? [];
      for (const one of moves.length ? moves : [event]) {
        const place = this.place(one);
        this.line(this.stroke, place);
        this.stroke = place;
      }
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(name, (event) => {
        if (event.pointerId === this.pointer) this.stroke = null;
      });
    }
    canvas.addEventListener("keydown", (event) => this.keyDown(event));
    canvas.addEventListener("focus", () => (marker.hidden = !canvas.matches(":focus-visible")));
    canvas.addEventListener("blur", () => (marker.hidden = true));
    this.erase();
  }

  /** Make the pad empty without a word to anyone. */
  erase() {
    clearTimeout(this.timer);
    this.stroke = null;
    this.movePen({ x: SIDE / 2, y: SIDE / 2, down: false });
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, SIDE, SIDE);
  }

  place(event) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return { x: ((event.clientX - left) / width) * SIDE, y: ((event.clientY - top) / height) * SIDE };
  }

  line(from, to) {
    Object.assign(this.context, {
      strokeStyle: "#fff",
      fillStyle: "#fff",
      lineWidth: PEN,
      lineCap: "round",
      lineJoin: "round",
    });
    this.context.beginPath();
    this.context.moveTo(from.x, from.y);
    this.context.lineTo(to.x, to.y);
    this.context.stroke();
    this.context.beginPath(); // a line without length draws nothing
    this.context.arc(to.x, to.y, PEN / 2, 0, 2 * Math.PI);
    this.context.fill();
    this.begun();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.drawn(this.image()), REST_MS);
  }

  keyDown(event) {
    const from = this.pen;
    if (event.key === " ") {
      if (!event.repeat) {
        this.movePen({ ...from, down: !from.down });
        this.announce(this.pen.down ? "Pen down" : "Pen up");
      }
    } else if (event.key in ARROWS) {
      const [x, y] = ARROWS[event.key];
      const inside = (value) => Math.min(Math.max(value, 0), SIDE);
      this.movePen({ ...from, x: inside(from.x + STEP * x), y: inside(from.y + STEP * y) });
      if (from.down) this.line(from, this.pen);
    } else return;
    this.marker.hidden = false;
    event.preventDefault();
  }

  movePen(pen) {
    this.pen = pen;
    this.marker.style.left = `${(100 * pen.x) / SIDE}%`;
    this.marker.style.top = `${(100 * pen.y) / SIDE}%`;
    this.marker.dataset.down = String(pen.down);
  }

  /** Return the drawing as an image like those of MNIST: Uint8Array (28, 28), or null if it is empty. */
  image() {
    const { data } = this.context.getImageData(0, 0, SIDE, SIDE);
    const ink = new Uint8Array(SIDE * SIDE);
    for (let pixel = 0; pixel < ink.length; pixel++) ink[pixel] = data[4 * pixel];
    return normalise(ink, SIDE);
  }
}
