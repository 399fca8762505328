// The about view: meaning of a verdict, method, limitations, privacy, model card and API examples.
import { modelCard } from "../about/card.js";
import { examples } from "../about/examples.js";
import { fetchCard } from "../api.js";
import { byId, element, icon, serverPath } from "../dom.js";
import { text } from "../language.js";
import { changes, status } from "../status.js";
import { loadStyle } from "../styles.js";

await loadStyle("about");

const HERE = ["localhost", "127.0.0.1", "[::1]"];
const SVG = "http://www.w3.org/2000/svg";

/** Fill root with the about view. */
export function open(root) {
  let card; // undefined as long as it is on its way, null where it cannot be had
  let closed = false;
  const cardView = modelCard(() => retry());
  const place = element("p", { class: "strong" });

  const load = async () => {
    card = undefined;
    cardView.render(card);
    card = await fetchCard();
    if (!closed) cardView.render(card);
  };
  const retry = () => {
    byId("model-card").focus({ preventScroll: true }); // the button goes
    load();
  };
  // The server has come back, or has loaded its model by now.
  const onChange = () => card === null && status()?.loaded && load();
  const render = () => {
    const here = HERE.includes(location.hostname);
    place.textContent = here ? text("about.privacy.here") : text("about.privacy.elsewhere", { host: location.hostname });
    cardView.render(card);
  };

  const sections = [meaning(), how(), uses(), fails(), privacy(place), modelSection(cardView.node), license(), api()];
  root.append(
    element(
      "div",
      { class: "about" },
      element("header", {}, element("h1", { "data-text": "about.heading" }), element("p", { class: "lead", "data-text": "about.lead" })),
      contents(sections),
      element("div", { class: "about-body" }, sections),
    ),
  );
  changes.addEventListener("change", onChange);
  const stopFollowing = follow(sections);
  load();
  return {
    title: "about.title",
    render,
    close() {
      closed = true;
      changes.removeEventListener("change", onChange);
      stopFollowing();
      byId("live").textContent = "";
    },
  };
}

/* The parts */

function meaning() {
  const verdict = (name) =>
    element(
      "div",
      { "data-verdict": name },
      element("dt", {}, icon(name), element("span", { "data-text": `verdicts.${name}.name` })),
      element("dd", { "data-text": `verdicts.${name}.detail` }),
    );
  return section(
    "verdict",
    { "data-text": "about.verdict.heading" },
    element("p", { class: "strong", "data-text": "about.verdict.is" }),
    element("dl", { class: "verdicts" }, ["fake", "uncertain", "real"].map(verdict)),
    element("p", { "data-text": "about.verdict.calibrated" }),
    element("p", { "data-text": "about.verdict.image" }),
    element("p", { "data-text": "about.verdict.not" }),
  );
}

function how() {
  const step = (shape, heading, detail) =>
    element("li", {}, glyph(shape), element("h3", heading), element("p", detail));
  return section(
    "how",
    { "data-text": "about.how.heading" },
    element(
      "ol",
      { class: "flow" },
      step("M4 5h16v14H4zM4 16l4.5-5 4 4.5 3-3L20 16M15.5 9h.01", { "data-text": "about.how.read" }, { "data-text": "about.how.readDetail" }),
      step("M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM20 20l-4.8-4.8M8.5 9.5v.5M12.5 9.5v.5M8.5 12.5a3 3 0 0 0 4 0", { "data-text": "about.how.find" }, { "data-text": "about.how.findDetail" }),
      step("M7 2v15h15M2 7h15v15M10.5 10.5v.5M13.5 10.5v.5M10.5 13.3a2.4 2.4 0 0 0 3 0", { "data-text": "about.how.cut" }, { "data-text": "about.how.cutDetail" }),
      step("M4 4h11v11H4zM7.5 18.5h11v-11M11 22h11V11", { "data-text": "about.how.classify" }, { "data-text": "about.how.classifyDetail" }),
      step("M3 15h18M8 11.5v7M16 11.5v7M18.5 6.5l-2.5 3-2.5-3z", { "data-text": "about.how.decide" }, { "data-text": "about.how.decideDetail" }),
    ),
    element("p", { "data-text": "about.how.evidence" }),
    element("p", { "data-text": "about.how.where" }),
  );
}

function uses() {
  const list = (verdict, shape, heading, ...items) =>
    element(
      "div",
      { "data-verdict": verdict },
      element("h3", {}, icon(shape), element("span", { "data-text": heading })),
      textList({}, ...items),
    );
  return section(
    "uses",
    { "data-text": "about.uses.heading" },
    element(
      "div",
      { class: "uses" },
      list("real", "real", "about.uses.may", "about.uses.hint", "about.uses.sort", "about.uses.learn", "about.uses.research"),
      list(
        "fake",
        "cancelled",
        "about.uses.mayNot",
        "about.uses.proof",
        "about.uses.decisions",
        "about.uses.clear",
        "about.uses.who",
        "about.uses.commercial",
      ),
    ),
  );
}

function fails() {
  const weakness = ([name, detail]) => element("div", {}, element("dt", { "data-text": name }), element("dd", { "data-text": detail }));
  return section(
    "limits",
    { "data-text": "about.fails.heading" },
    element(
      "dl",
      { class: "weaknesses" },
      [
        ["about.fails.swaps", "about.fails.swapsDetail"],
        ["about.fails.sharp", "about.fails.sharpDetail"],
        ["about.fails.unseen", "about.fails.unseenDetail"],
        ["about.fails.groups", "about.fails.groupsDetail"],
        ["about.fails.faces", "about.fails.facesDetail"],
      ].map(weakness),
    ),
    element("p", {}, element("a", { href: serverPath("/dashboard"), "data-text": "about.fails.figures" })),
  );
}

function privacy(place) {
  return section(
    "privacy",
    { "data-text": "about.privacy.heading" },
    place,
    textList(
      { class: "plain" },
      "about.privacy.log",
      "about.privacy.others",
      "about.privacy.history",
      "about.privacy.shell",
      "about.privacy.links",
    ),
    element("p", {}, element("a", { href: serverPath("/history"), "data-text": "about.privacy.toHistory" })),
  );
}

function modelSection(card) {
  return section(
    "model-card",
    { "data-text": "about.card.heading" },
    element("p", { "data-text": "about.card.lead" }),
    card,
    element(
      "p",
      { class: "more" },
      element("a", { href: serverPath("/dashboard"), "data-text": "about.card.measured" }),
      element("a", { href: serverPath("/api/model"), "data-text": "about.card.whole" }),
    ),
  );
}

function license() {
  const one = (what, terms) => element("div", {}, element("dt", what), element("dd", terms));
  const library = (name, terms, notice) =>
    element("li", { lang: "en", dir: "ltr" }, element("a", { href: `/static/vendor/${notice}/LICENSE` }, name), ` ${terms}`);
  return section(
    "licence",
    { "data-text": "about.licence.heading" },
    element(
      "dl",
      { class: "facts" },
      one({ "data-text": "about.licence.code" }, { "data-text": "about.licence.codeTerms" }),
      one({ "data-text": "about.licence.weights" }, { "data-text": "about.licence.weightsTerms" }),
      one({ "data-text": "about.licence.finder" }, { "data-text": "about.licence.finderTerms" }),
      element(
        "div",
        {},
        element("dt", { "data-text": "about.licence.libraries" }),
        element(
          "dd",
          {},
          element("ul", { class: "libraries" }, library("uPlot", "MIT", "uplot"), library("idb", "ISC", "idb"), library("Panzoom", "MIT", "panzoom")),
        ),
      ),
    ),
  );
}

function api() {
  return section(
    "api",
    { "data-text": "about.api.heading" },
    element("p", { "data-text": "about.api.lead" }),
    examples(),
    element("p", {}, element("a", { href: serverPath("/docs"), "data-text": "about.api.docs" })),
  );
}

/* What they are made with */

function section(id, heading, ...children) {
  return element("section", { id, tabindex: "-1", "aria-labelledby": `${id}-heading` }, element("h2", { id: `${id}-heading`, ...heading }), children);
}

// A list with one item per message.
function textList(attributes, ...paths) {
  return element("ul", attributes, paths.map((path) => element("li", { "data-text": path })));
}

function contents(sections) {
  const links = sections.map(({ id, firstChild }) =>
    element("li", {}, element("a", { href: `#${id}`, "data-text": firstChild.dataset.text })),
  );
  return element("nav", { class: "contents", "data-label": "about.contents" }, element("ul", {}, links));
}

// Marks, in the list of contents, the part that is being read: the last one whose beginning has come into sight.
function follow(sections) {
  const mark = () => {
    const line = innerHeight / 3;
    const read = sections.findLast((one) => one.getBoundingClientRect().top <= line) ?? sections[0];
    const ended = innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
    const target = ended && scrollY > 0 ? sections.at(-1) : read;
    for (const link of document.querySelectorAll(".about .contents a")) {
      if (link.hash === `#${target.id}`) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    }
  };
  let asked = 0;
  const later = () => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(mark);
  };
  addEventListener("scroll", later, { passive: true });
  addEventListener("resize", later);
  later();
  return () => {
    cancelAnimationFrame(asked);
    removeEventListener("scroll", later);
    removeEventListener("resize", later);
  };
}

function glyph(shape) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  const values = { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" };
  for (const [name, value] of Object.entries(values)) svg.setAttribute(name, value);
  path.setAttribute("d", shape);
  svg.append(path);
  return svg;
}
