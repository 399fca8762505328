// What keys do: views say which they use, `?` lists all.
import { byId, element } from "./dom.js";
import { text } from "./language.js";
import { keep, remembered } from "./storage.js";

const KEY = "veraface-keys";

const groups = [];
let single = remembered(KEY) !== "off"; // whether letters, digits and signs do something (WCAG 2.1.4)

/**
 * addKeys({ ArrowRight: { label: "keys.nextFace", run() {} }, "Shift+ArrowRight": ... }) lets keys do something until
 * the function that it returns is called. A key without `label` is not listed.
 */
export function addKeys(keys) {
  groups.push(keys);
  return () => {
    if (groups.includes(keys)) groups.splice(groups.indexOf(keys), 1);
  };
}

/** Makes `button` open the list, and all keys work. */
export function setUpKeys(button) {
  button.replaceChildren(element("span", { "aria-hidden": "true" }, "?"));
  button.addEventListener("click", openHelp);
  addKeys({ "?": { label: "keys.help", run: openHelp } });
  document.addEventListener("keydown", press);
}

function press(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]") || takesKeys(event.target, event.key)) return;
  if (!single && event.key.length === 1 && event.key !== " ") return;
  const name = event.shiftKey && event.key.startsWith("Arrow") ? `Shift+${event.key}` : event.key;
  const found = groups.findLast((keys) => Object.hasOwn(keys, name));
  if (!found) return;
  if (name !== "Escape") event.preventDefault();
  found[name].run(event);
}

// What is typed into a field, or presses what has the focus, is not for the page. A slider or a choice takes no letters.
function takesKeys(target, key) {
  if (target.closest("input:is([type=range], [type=radio])")) return key.length > 1 || key === " ";
  if (target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]")) return key !== "Escape";
  return ["Enter", " "].includes(key) && Boolean(target.closest("a, button, summary, input"));
}

function openHelp() {
  // Where a view gives a key another meaning, that one counts.
  const rows = [...new Map(groups.flatMap((keys) => Object.entries(keys)))]
    .filter(([, { label }]) => label)
    .map(([name, { label }]) => element("div", {}, element("dt", {}, element("kbd", {}, shown(name))), element("dd", {}, text(label))));
  const choice = element("input", { type: "checkbox", role: "switch", id: "single-keys", "aria-describedby": "single-keys-detail", checked: single });
  const close = element("button", { type: "button", class: "quiet", autofocus: true }, text("close"));
  const dialog = element(
    "dialog",
    { class: "help", "aria-labelledby": "help-heading", closedby: "any" },
    element("h2", { id: "help-heading" }, text("keys.heading")),
    element("dl", { class: "keys" }, rows),
    element(
      "div",
      { class: "single-keys" },
      element("label", { class: "switch" }, choice, element("span", {}, text("keys.single"))),
      element("p", { class: "hint", id: "single-keys-detail" }, text("keys.singleDetail")),
    ),
    element("p", { class: "links" }, close),
  );
  choice.addEventListener("change", () => {
    single = choice.checked;
    keep(KEY, single ? "on" : "off");
  });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  dialog.scrollTop = 0; // the button at its end has the focus
}

function shown(name) {
  const arrows = { ArrowRight: "→", ArrowLeft: "←", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" };
  return name.replace(/\w+$/, (key) => arrows[key] ?? key).replace("Shift+", "⇧ ");
}
