// The bar above a result: its name, the ways back and to the results beside it; and the keys that every result has.
import { decisionKeys } from "./decision.js";
import { byId, element, serverPath } from "./dom.js";
import { nameOf } from "./format.js";
import { isRightToLeft, text } from "./language.js";
import { checks } from "./queue.js";
import { go } from "./router.js";
import { neighborsOf } from "./worklist.js";

export class ResultToolbar {
  constructor() {
    const another = button("another", { "data-text": "another" }, () => byId("file").click());
    this.check = null;
    this.filename = element("h1", { id: "filename", dir: "auto" });
    this.place = element("span", { class: "place" });
    this.before = button("previous", { "data-text": "result.previous" }, () => this.walkTo(-1));
    this.after = button("next", { "data-text": "result.next" }, () => this.walkTo(1));
    this.walk = element("span", { class: "walk", role: "group", "data-label": "result.walk" }, this.before, this.place, this.after);
    this.back = element("a", { class: "quiet button", id: "back", href: serverPath("/") });
    this.node = element("div", { class: "toolbar" }, this.back, this.filename, this.walk, another);
  }

  /** Show the name and the place of a check in the list, in the current language. */
  render(check) {
    this.check = check;
    const beside = neighborsOf(check, checks());
    const at = beside.indexOf(check);
    const many = beside.length;
    this.filename.textContent = nameOf(check);
    this.walk.hidden = at < 0 || many < 2;
    this.back.href = serverPath(check.old ? "/history" : "/");
    this.back.textContent = text(check.old ? "nav.history" : "result.toList");
    this.back.hidden = !check.old && checks().length < 2;
    this.place.textContent = text("result.place", { number: at + 1, count: many });
    this.before.disabled = at <= 0;
    this.after.disabled = at === many - 1;
  }

  /** Keys to the results beside this one, and for a person's own decision on it. */
  keys() {
    const turn = () => (isRightToLeft() ? -1 : 1);
    return {
      j: { label: "keys.nextResult", run: () => this.walkTo(1) },
      k: { label: "keys.previousResult", run: () => this.walkTo(-1) },
      "Shift+ArrowRight": { label: "keys.nextResult", run: () => this.walkTo(turn()) },
      "Shift+ArrowLeft": { label: "keys.previousResult", run: () => this.walkTo(-turn()) },
      ...decisionKeys(() => this.check),
    };
  }

  /** Open the result `step` places further in the list, if there is one. */
  walkTo(step) {
    if (!this.check || this.check.old) return;
    const beside = neighborsOf(this.check, checks());
    const next = beside[beside.indexOf(this.check) + step];
    if (next) go(`/result/${next.id}`, { replace: true });
  }
}

function button(id, words, press) {
  return element("button", { type: "button", class: "quiet", id, ...words, onclick: press });
}
