// The address of the episode that is shown, and the buttons that copy it.

import { writeAddress } from "./address.js";
import { toPython } from "./python.js";

const SHOWN_MS = 2500;

export class Share {
  /** @param {Object<string, HTMLElement>} part "copy-link", "copy-python", "copied" and "code". */
  constructor(part) {
    this.part = part;
    part["copy-link"].addEventListener("click", () => this.copy(location.href, "Link copied"));
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
    history.replaceState(null, "", writeAddress(address));
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
