// An element on a page that the page's styles and scripts do not affect.
import { element } from "../../src/veraface/server/static/js/dom.js";

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

/** Put `content` on the page in a closed shadow root above everything else. Returns the host element. */
export function bareHost(parent, style, content) {
  const host = element("div");
  // Inline and important: no rule of the page has precedence.
  for (const [name, value] of Object.entries(BARE)) host.style.setProperty(name, value, "important");
  const root = host.attachShadow({ mode: "closed" });
  addStyle(root, style);
  root.append(content);
  parent.append(host);
  try {
    // The top layer is above the page's dialogs.
    host.popover = "manual";
    host.showPopover();
  } catch {
    // Older browsers: the z-index applies.
  }
  return host;
}

function addStyle(root, style) {
  try {
    // Constructed style sheets are not subject to the page's content security policy.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
  } catch {
    root.append(element("style", {}, style)); // Firefox does not support them in content scripts
  }
}
