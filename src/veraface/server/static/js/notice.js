// One short remark at a time, over the view: why nothing came of what the person did.
import { byId, element } from "./dom.js";
import { text } from "./language.js";

let shown = ""; // the path of its words

/** Shows the words of that path until something else is said; "" takes the remark away. */
export function showNotice(path) {
  shown = path;
  renderNotice();
}

/** Says it anew, in the language of the moment. */
export function renderNotice() {
  const notice = byId("notice");
  notice.hidden = !shown;
  if (!shown) return notice.replaceChildren();
  const dismiss = element("button", { type: "button", class: "dismiss", "aria-label": text("close") }, "×");
  dismiss.addEventListener("click", () => showNotice(""));
  return notice.replaceChildren(element("span", {}, text(shown)), dismiss);
}
