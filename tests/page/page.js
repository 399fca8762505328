// Runs modules of the page in Node: a DOM without layout (happy-dom), files from the disk, answers of the API by hand.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

const STATIC = new URL("../../src/veraface/server/static/", import.meta.url);
const TOOLS = createRequire(new URL("../tools/package.json", import.meta.url));
const GLOBALS = [
  ...["document", "navigator", "location", "history", "localStorage", "matchMedia", "MutationObserver"],
  ...["IntersectionObserver", "requestAnimationFrame", "cancelAnimationFrame", "Option", "Image", "Event"],
  ...["CustomEvent", "EventTarget", "KeyboardEvent", "addEventListener", "removeEventListener", "dispatchEvent", "scrollTo"],
  ...["HTMLElement", "Node", "getSelection", "Path2D", "innerHeight", "scrollY", "devicePixelRatio"],
];

/** Import a module of the page: load("format.js"). */
export function load(name) {
  return import(new URL(`js/${name}`, STATIC));
}

export function readJson(name) {
  return readFile(new URL(name, STATIC), "utf-8").then(JSON.parse);
}

export async function packagedCard() {
  const path = new URL("../../models/weights/veraface.json", STATIC);
  return JSON.parse(await readFile(path, "utf-8"));
}

/** Serve static files from the disk and paths of the API from `routes`: { "/api/model": card or Response or function }. */
export function serve(routes = {}) {
  globalThis.fetch = async (address, options) => {
    const path = String(address).split("?")[0];
    if (path.startsWith("/static/")) return new Response(await readFile(new URL(path.slice("/static/".length), STATIC)));
    if (!Object.hasOwn(routes, path)) throw new TypeError(`no route for ${path}`);
    const answer = typeof routes[path] === "function" ? await routes[path](address, options) : routes[path];
    return answer instanceof Response ? answer.clone() : Response.json(answer);
  };
}

/**
 * Put a document with the page's frame in place, in English. Call once, before load() of a module that needs one.
 *
 * happy-dom has no layout and no canvas: every element is 600 x 300 px here, and drawing goes nowhere, so that the
 * page's drawing code runs all the same. No style sheet is loaded: every element has the same style.
 */
export async function openDocument(path = "/") {
  const { Window } = TOOLS("happy-dom");
  const window = new Window({ url: `http://127.0.0.1${path}`, settings: { disableJavaScriptFileLoading: true, disableCSSFileLoading: true } });
  globalThis.window = window;
  after(() => window.happyDOM.abort()); // its timers would keep Node from ending
  delete globalThis.BroadcastChannel; // so would this
  stubLayout(window);
  for (const name of GLOBALS) {
    const value = window[name];
    const bound = typeof value === "function" && !/^[A-Z]/.test(name) ? value.bind(window) : value;
    Object.defineProperty(globalThis, name, { value: bound, configurable: true, writable: true });
  }
  const html = await readFile(new URL("index.html", STATIC), "utf-8");
  document.body.innerHTML = html.slice(html.indexOf("<body>") + 6, html.indexOf("</body>"));
  serve();
  const { loadLanguage } = await load("language.js");
  await loadLanguage();
}

function stubLayout(window) {
  for (const [name, value] of Object.entries({ clientWidth: 600, offsetWidth: 600, clientHeight: 300, offsetHeight: 300 })) {
    Object.defineProperty(window.HTMLElement.prototype, name, { get: () => value, configurable: true });
  }
  const context = new Proxy({}, {
    get: (target, name) => target[name] ?? (name === "measureText" ? (words) => ({ width: 7 * words.length }) : () => context),
    set: (target, name, value) => ((target[name] = value), true),
  });
  window.HTMLCanvasElement.prototype.getContext = () => context;
  window.Path2D = class {
    constructor() {
      return context;
    }
  };
  const style = { color: "rgb(0, 0, 0)", fontSize: "16px", fontFamily: "sans-serif", direction: "ltr", gridTemplateColumns: "none" };
  globalThis.getComputedStyle = () => style;
  globalThis.ResizeObserver = class {
    constructor(callback) {
      this.callback = callback;
    }
    observe(target) {
      queueMicrotask(() => this.callback([{ target }]));
    }
    unobserve() {}
    disconnect() {}
  };
}

/** Open a view in the page's main element; returns what the router would keep of it. */
export async function openView(name, parameters = {}) {
  const { open } = await load(`views/${name}.js`);
  const { fillIn } = await load("language.js");
  const main = document.getElementById("main");
  main.replaceChildren();
  const view = open(main, parameters);
  fillIn(main);
  view.render?.();
  return { ...view, main };
}

/** Wait until `condition` holds; fail after 60 seconds. */
export async function until(condition) {
  const deadline = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not true after 60 s: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
