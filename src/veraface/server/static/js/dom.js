// Builds elements. Text is only ever set as text, so nothing from a file or an answer becomes markup.

const SVG = "http://www.w3.org/2000/svg";

// The path under which a proxy serves the page, such as "/veraface"; empty without one. The server writes it into the page.
const ROOT = globalThis.document?.documentElement?.dataset?.root ?? "";

/** Return the address of a path of the server: serverPath("/history") is "/veraface/history" under a proxy. */
export function serverPath(path) {
  return ROOT + path;
}

/** Return the path of the server that an address of this site belongs to; the address itself outside of it. */
export function localPath(address = location.pathname) {
  return ROOT && address.startsWith(`${ROOT}/`) ? address.slice(ROOT.length) : address;
}

export function byId(id) {
  return document.getElementById(id);
}

/** element("p", { class: "note", hidden: false }, "text", child, null) */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  apply(node, attributes);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

function apply(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
}

const ICONS = {
  fake: "M12 3 2.5 20h19zM12 10v4M12 17h.01",
  real: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM8 12.2l2.8 2.8L16 9.6",
  uncertain: "M12 2.5 21.5 12 12 21.5 2.5 12zM10 10.2a2 2 0 1 1 2.7 1.9c-.5.2-.7.5-.7 1.1M12 15.5h.01",
  no_face: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM5.7 5.7l12.6 12.6",
  unclassified: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5M10.5 10.5h3v3h-3z",
  small: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5M10.5 10.5h3v3h-3z",
  file: "M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8zM14 3v5h5M9.5 12.5l5 5M14.5 12.5l-5 5",
  large: "M12 3v12M7 8l5-5 5 5M4 21h16M4 17h16",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1-1",
  server: "M5 4h14v6H5zM5 14h14v6H5zM8 7h.01M8 17h.01",
  waiting: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7v5l3 2",
  cancelled: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM9 9l6 6M15 9l-6 6",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  whole: "M4 9V5a1 1 0 0 1 1-1h4M15 4h4a1 1 0 0 1 1 1v4M20 15v4a1 1 0 0 1-1 1h-4M9 20H5a1 1 0 0 1-1-1v-4",
  close: "M6 6l12 12M18 6 6 18",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  camera: "M4 8h3l1.5-2.5h7L17 8h3a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1ZM12 16.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Z",
  dark: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z",
  light: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4",
  system: "M4 5h16v11H4zM9 20h6M12 16v4",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  const values = { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" };
  for (const [key, value] of Object.entries(values)) svg.setAttribute(key, value);
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}
