// A button that opens a short list of actions.
import { element } from "./dom.js";
import { addKeys } from "./keys.js";

/** A menu with the label of path `label` and these nodes; it closes when one is used, at Escape and at a click elsewhere. */
export function menu(id, label, nodes) {
  const summary = element("summary", { class: "quiet", "data-text": label });
  const details = element("details", { class: "actions-menu", id }, summary, element("div", { class: "menu-items" }, nodes));
  let stop = () => {};
  const away = ({ target }) => !details.contains(target) && close();
  function close(focus = false) {
    stop(); // at once: the event comes later
    details.open = false;
    if (focus) summary.focus();
  }
  details.addEventListener("toggle", () => {
    stop();
    document.removeEventListener("click", away);
    if (!details.open) return;
    stop = addKeys({ Escape: { run: () => close(true) } });
    document.addEventListener("click", away);
  });
  details.addEventListener("click", ({ target }) => target.closest(".menu-items :is(button, a)") && close());
  return details;
}
