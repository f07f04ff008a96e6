// What both tabs share: one task at a time, frames while the tab is shown, and controls that wait for the agent.

export class View {
  /**
   * Subclasses have `load`, `open` (for a loaded task), `refresh`, `frame`, `keyPressed`, `address` and `program`.
   * @param {HTMLElement} root The section. Its elements with the attribute `inert` wait for the first agent.
   * @param {Object<string, HTMLElement>} part Its elements.
   * @param {object} context suite, share, announce, report and recovered.
   * @param {string} id The task to begin with.
   */
  constructor(root, part, context, id) {
    Object.assign(this, { root, part, ...context, choice: { id }, task: null });
    Object.assign(this, { ready: false, active: false, running: false });
    this.frame = this.frame.bind(this);
  }

  /** Show the tab; return once its task is loaded. */
  async enter() {
    this.active = true;
    if (this.ready) this.resume();
    else await this.setTask(this.choice.id);
  }

  leave() {
    this.active = this.running = false;
    cancelAnimationFrame(this.request);
    this.share.clear();
  }

  /** Load a task and show it. Only the latest choice counts; the task before it stays until the new one is there. */
  async setTask(id) {
    const choice = (this.choice = { id });
    this.press(id);
    try {
      const task = await this.load(id);
      if (this.choice !== choice) return;
      this.open(task);
    } catch (error) {
      if (this.choice !== choice) return;
      this.press(this.task?.id);
      if (!this.active) return; // the tab that is shown has no problem
      throw error;
    }
    this.ready = true;
    for (const one of this.root.querySelectorAll("[inert]")) one.inert = false;
    if (this.active) this.resume();
  }

  press(id) {
    for (const one of this.root.querySelectorAll("[data-task]")) {
      one.setAttribute("aria-pressed", String(one.dataset.task === id));
    }
  }

  /** Draw frames from now on. Nothing else starts them, so that there is never more than one loop. */
  resume() {
    this.recovered();
    this.publish();
    this.refresh();
    cancelAnimationFrame(this.request);
    this.request = requestAnimationFrame(this.frame);
  }

  /** Make the episode the one that the address and the buttons below are about. */
  publish() {
    if (this.ready && this.active) this.share.update(this.address(), () => this.program());
  }

  /** Handle a key that goes down; return whether it is one of the tab's. */
  keyDown(event) {
    return this.ready && this.keyPressed(event);
  }
}
