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
    part["copy-link"].addEventListener("click", async () => {
      const link = new URL(this.address, location.href).href;
      if (!(await this.copy(link, "Link copied"))) this.show(link, "Link to this episode");
    });
    part["copy-python"].addEventListener("click", () => {
      const program = toPython(this.program());
      this.show(program, "This episode in Python");
      part["copy-python"].setAttribute("aria-expanded", "true");
      this.copy(program, "Program copied");
    });
    this.clear();
  }

  /** Show no episode: there is nothing to copy until the next `update`. */
  clear() {
    this.hide();
    this.part["copy-link"].disabled = this.part["copy-python"].disabled = true;
  }

  /**
   * Show another episode.
   * @param {object} address For `writeAddress`.
   * @param {function(): object} program Returns what `toPython` takes, when it is asked for.
   */
  update(address, program) {
    this.program = program;
    this.hide();
    this.part["copy-link"].disabled = this.part["copy-python"].disabled = false;
    this.address = writeAddress(address);
    clearTimeout(this.writing);
    this.writing = setTimeout(() => this.write(), Math.max(this.written + WRITE_MS - performance.now(), 0));
  }

  write() {
    this.written = performance.now();
    history.replaceState(null, "", this.address);
  }

  /** Show a text in the box below the buttons. */
  show(text, label) {
    const { code } = this.part;
    code.textContent = text;
    code.setAttribute("aria-label", label);
    code.hidden = false;
    this.part["copy-python"].setAttribute("aria-expanded", "false");
  }

  hide() {
    this.part.code.hidden = true;
    this.part["copy-python"].setAttribute("aria-expanded", "false");
  }

  /** Copy a text, and say so; return whether the browser allows it. A page without https has no clipboard. */
  async copy(text, done) {
    let allowed = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      allowed = false;
    }
    clearTimeout(this.timer);
    this.part.copied.textContent = allowed ? done : "Copying is not allowed here: select the text yourself";
    this.timer = setTimeout(() => (this.part.copied.textContent = ""), SHOWN_MS);
    return allowed;
  }
}
