// Style sheets of single views: visits without these views do not load them.
import { element, serverPath } from "./dom.js";

const loading = new Map();

/** Load css/<name>.css before the rules for paper; the promise is fulfilled once it applies, or could not be loaded. */
export function loadStyle(name) {
  if (!loading.has(name)) loading.set(name, load(serverPath(`/static/css/${name}.css`)));
  return loading.get(name);
}

function load(address) {
  const link = element("link", { rel: "stylesheet", href: address });
  const there = new Promise((done) => (link.onload = link.onerror = done));
  document.head.insertBefore(link, document.head.querySelector('link[media="print"]'));
  return there;
}
