// One short message at a time above the view, explaining why an action had no effect.
import { byId, element } from "./dom.js";
import { text } from "./language.js";

let shown = ""; // the path of its text

/** Show the text with that path until the next one; "" hides it. */
export function showNotice(path) {
  shown = path;
  renderNotice();
}

/** Render the message in the current language. */
export function renderNotice() {
  const notice = byId("notice");
  notice.hidden = !shown;
  if (!shown) return notice.replaceChildren();
  const dismiss = element("button", { type: "button", class: "dismiss", "aria-label": text("close") }, "×");
  dismiss.addEventListener("click", () => showNotice(""));
  return notice.replaceChildren(element("span", {}, text(shown)), dismiss);
}
