// An element of ours on a page, out of reach of its styles and scripts.
import { element } from "../shared/dom.js";

const BARE = {
  all: "initial",
  "color-scheme": "light dark",
  position: "fixed",
  inset: "auto",
  margin: "0",
  padding: "0",
  border: "0",
  background: "none",
  overflow: "visible",
  "z-index": "2147483647",
  display: "block",
};

/** Puts `content` on the page inside a closed root, above all else. Returns the element that holds it. */
export function bareHost(parent, style, content) {
  const host = element("div");
  // Important and inline: nothing in the page's style sheets comes before that.
  for (const [name, value] of Object.entries(BARE)) host.style.setProperty(name, value, "important");
  const root = host.attachShadow({ mode: "closed" });
  addStyle(root, style);
  root.append(content);
  parent.append(host);
  try {
    // The top layer, above the page's own dialogs.
    host.popover = "manual";
    host.showPopover();
  } catch {
    // An old browser: the z-index has to do.
  }
  return host;
}

function addStyle(root, style) {
  try {
    // Not held back by the page's content policy.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
  } catch {
    root.append(element("style", {}, style)); // Firefox knows no such sheets outside the page's own scripts
  }
}
