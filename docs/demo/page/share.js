// The address of the episode that is shown, and the buttons that copy it.

import { writeAddress } from "./address.js";
import { toPython } from "./python.js";

const SHOWN_MS = 2500;
const WRITE_MS = 400; // browsers refuse to change an address too often

export class Share {
  /** @param {Object<string, HTMLElement>} part "copy-link", "copy-python", "copied" and "code". */
  constructor(part) {
    this.part = part;
    this.written = -WRITE_MS;
    part["copy-link"].addEventListener("click", () => this.copy(new URL(this.address, location.href).href, "Link copied"));
    part["copy-python"].addEventListener("click", () => {
      part.code.textContent = toPython(this.program());
      part.code.hidden = false;
      part["copy-python"].setAttribute("aria-expanded", "true");
      this.copy(part.code.textContent, "Program copied");
    });
  }

  /**
   * Show another episode.
   * @param {object} address For `writeAddress`.
   * @param {function(): object} program Returns what `toPython` takes, when it is asked for.
   */
  update(address, program) {
    this.program = program;
    this.part.code.hidden = true;
    this.part["copy-python"].setAttribute("aria-expanded", "false");
    this.address = writeAddress(address);
    clearTimeout(this.writing);
    this.writing = setTimeout(() => this.write(), Math.max(this.written + WRITE_MS - performance.now(), 0));
  }

  write() {
    this.written = performance.now();
    history.replaceState(null, "", this.address);
  }

  async copy(text, done) {
    let message = done;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      message = "Copying is not allowed here: select the text yourself";
    }
    clearTimeout(this.timer);
    this.part.copied.textContent = message;
    this.timer = setTimeout(() => (this.part.copied.textContent = ""), SHOWN_MS);
  }
}
