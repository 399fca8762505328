// Asks before all results are deleted.
import { element } from "./dom.js";
import { quietButton } from "./historyTools.js";
import { text } from "./language.js";

export class DeleteDialog {
  /** `deleteAll()` is called once the person has agreed. */
  constructor(deleteAll) {
    this.deleteAll = deleteAll;
    this.node = element("dialog", { class: "past-ask", id: "ask", "aria-labelledby": "ask-heading" });
  }

  /** Ask because the person wants `count` results deleted. */
  ask(count) {
    this.#open(text("history.confirm.heading", { count }), text("history.confirm.detail"), text("history.confirm.cancel"));
  }

  /** Ask because the history was switched off while `count` results are there. */
  askSwitchedOff(count) {
    this.#open(text("history.switchedOff.heading"), text("history.switchedOff.detail", { count }), text("history.switchedOff.keep"));
  }

  close() {
    this.node.close();
  }

  #open(heading, detail, keep) {
    const agreed = () => {
      this.close();
      this.deleteAll();
    };
    const links = [quietButton(keep, () => this.close()), quietButton(text("history.confirm.delete"), agreed, { class: "primary danger" })];
    this.node.replaceChildren(element("h2", { id: "ask-heading" }, heading), element("p", {}, detail), element("div", { class: "links" }, links));
    this.node.showModal();
  }
}
