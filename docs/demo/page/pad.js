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
   * @param {function(?Uint8Array)} drawn Called with the image, 28 x 28, after a stroke; null when it is empty.
   */
  constructor(canvas, drawn) {
    Object.assign(this, { canvas, drawn });
    canvas.width = canvas.height = SIDE;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.pen = { x: SIDE / 2, y: SIDE / 2, down: false };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.stroke = this.place(event);
      this.line(this.stroke, this.stroke);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.stroke) return;
      const moves = event.getCoalescedEvents?.() ?? [];
      for (const one of moves.length ? moves : [event]) {
        const place = this.place(one);
        this.line(this.stroke, place);
        this.stroke = place;
      }
    });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => (this.stroke = null));
    canvas.addEventListener("keydown", (event) => this.keyDown(event));
    this.erase();
  }

  /** Make the pad empty without a word to anyone. */
  erase() {
    clearTimeout(this.timer);
    this.stroke = null;
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, SIDE, SIDE);
  }

  place(event) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return { x: ((event.clientX - left) / width) * SIDE, y: ((event.clientY - top) / height) * SIDE };
  }

  line(from, to) {
    Object.assign(this.context, { strokeStyle: "#fff", fillStyle: "#fff", lineWidth: PEN, lineCap: "round", lineJoin: "round" });
    this.context.beginPath();
    this.context.moveTo(from.x, from.y);
    this.context.lineTo(to.x, to.y);
    this.context.stroke();
    this.context.beginPath(); // a line without length draws nothing
    this.context.arc(to.x, to.y, PEN / 2, 0, 2 * Math.PI);
    this.context.fill();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.drawn(this.image()), REST_MS);
  }

  keyDown(event) {
    const { pen } = this;
    if (event.key === " ") {
      pen.down = !pen.down;
      this.canvas.dataset.pen = pen.down ? "down" : "up";
    } else if (event.key in ARROWS) {
      const [x, y] = ARROWS[event.key];
      const from = { ...pen };
      pen.x = Math.min(Math.max(pen.x + STEP * x, 0), SIDE);
      pen.y = Math.min(Math.max(pen.y + STEP * y, 0), SIDE);
      if (pen.down) this.line(from, pen);
    } else return;
    event.preventDefault();
  }

  /** Return the drawing as an image like those of MNIST: Uint8Array (28, 28), or null if it is empty. */
  image() {
    const { data } = this.context.getImageData(0, 0, SIDE, SIDE);
    const ink = new Uint8Array(SIDE * SIDE);
    for (let pixel = 0; pixel < ink.length; pixel++) ink[pixel] = data[4 * pixel];
    return normalise(ink, SIDE);
  }
}
