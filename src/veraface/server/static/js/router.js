// Which view is shown for which address; the views themselves are loaded when they are first needed.
import { byId, localPath, serverPath } from "./dom.js";
import { recall } from "./history.js";
import { fillIn, text } from "./language.js";
import { find } from "./queue.js";

const ROUTES = [
  [/^\/$/, "analyse"],
  [/^\/result\/([\w-]{1,64})$/, "result"],
  [/^\/history$/, "history"],
  [/^\/dashboard$/, "dashboard"],
  [/^\/about$/, "about"],
  [/^\/verify$/, "verify"],
];

let current = null;
let shown = ""; // the path of the present view
let visit = 0; // counts navigations: a view that comes late must not replace a later one

/** Shows the address that the browser is at, and follows links and the back button from now on. */
export function startRouter() {
  addEventListener("popstate", () => (location.pathname === shown ? scrollToHash() : show({ scroll: false })));
  document.addEventListener("click", follow);
  return show({ focus: false });
}

/** Goes to another view: go("/history"). `replace` leaves no way back to the present one. */
export function go(path, { replace = false } = {}) {
  if (path === localPath() + location.hash) return show({});
  history[replace ? "replaceState" : "pushState"](null, "", serverPath(path));
  return show({});
}

/** Render the view in the current language. */
export function renderView() {
  if (!current) return;
  fillIn(byId("main"));
  current.render?.();
  document.title = `${text(current.title)} · Veraface`;
}

async function show({ focus = true, scroll = true }) {
  const own = (visit += 1);
  const [name, id] = match(localPath());
  const entry = name === "result" ? (find(id) ?? (await recall(id))) : null;
  const view = await import(`./views/${entry?.video ? "video" : name}.js`);
  if (own !== visit) return;
  current?.close?.();
  shown = location.pathname;
  const main = byId("main");
  main.replaceChildren();
  document.body.dataset.view = name;
  delete document.body.dataset.state;
  for (const link of byId("pages").children) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  current = view.open(main, { id, entry });
  renderView();
  if (scroll && !location.hash) scrollTo(0, 0);
  scrollToHash();
  if (focus) main.focus({ preventScroll: true });
}

function scrollToHash() {
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

function match(path) {
  for (const [pattern, name] of ROUTES) {
    const found = path.match(pattern);
    if (found) return [name, found[1]];
  }
  return ["missing", undefined];
}

function follow(event) {
  const link = event.target.closest?.("a[href]");
  const own = !event.defaultPrevented && event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (!link || !own || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  const inPage = link.pathname === location.pathname && link.hash;
  if (inPage || !ROUTES.some(([pattern]) => pattern.test(localPath(link.pathname)))) return;
  event.preventDefault();
  go(localPath(link.pathname) + link.hash);
}
