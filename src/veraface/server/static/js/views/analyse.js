// The start view: adding images and videos, and the queue.
import { addFiles, addLink, setStartsAtOnce, startsAtOnce } from "../addFiles.js";
import { cardOf, updateCard } from "../card.js";
import { decisionKeys, decisionRow, updateDecision } from "../decision.js";
import { byId, element, icon } from "../dom.js";
import { download, entriesAsCsv, entriesAsJson } from "../export.js";
import { canBeSent } from "../fault.js";
import { megabytes } from "../format.js";
import { isOn } from "../history.js";
import { addKeys } from "../keys.js";
import { isRightToLeft, text } from "../language.js";
import { menu } from "../menu.js";
import { analyse, cancel, changes, checks, isDone, isOpen, remove } from "../queue.js";
import { moveFocus } from "../rovingTabindex.js";
import { sampleRow } from "../samples.js";
import { changes as statusChanges, status } from "../status.js";
import { Worklist, copiesRow, facePosition, updateCopies } from "../worklist.js";

const HERE = ["localhost", "127.0.0.1", "[::1]"];
const SVG = "http://www.w3.org/2000/svg";

/** Fill root with the drop zone and the queue of this visit. */
export function open(root) {
  const view = new AnalyseView(root);
  preloadResult(root);
  return { title: "analyse.title", render: () => view.render(), close: () => view.close() };
}

class AnalyseView {
  constructor(root) {
    this.cards = new Map();
    this.limit = element("span", { id: "limit" });
    this.privacy = element("span", { id: "privacy" });
    this.list = element("ul", { class: "cards", id: "checks" });
    this.progress = element("progress", { id: "progress", "data-label": "checks.progress" });
    this.count = element("p", { id: "count" });
    this.link = this.#linkForm();
    this.worklist = new Worklist(() => this.#onChange(null));
    this.session = this.#session();
    root.append(this.#intake(), this.session);
    const onChange = ({ detail }) => this.#onChange(detail);
    const limits = () => this.#renderLimits();
    changes.addEventListener("change", onChange);
    statusChanges.addEventListener("change", limits);
    this.stops = [
      () => changes.removeEventListener("change", onChange),
      () => statusChanges.removeEventListener("change", limits),
      this.#keys(),
    ];
  }

  render() {
    const here = HERE.includes(location.hostname);
    const words = here ? text("privacy.here") : text("privacy.elsewhere", { host: location.hostname });
    this.privacy.textContent = [words, isOn() && text("privacy.history"), text("privacy.free")].filter(Boolean).join(" ");
    this.#renderLimits();
    this.#onChange(null);
  }

  close() {
    for (const stop of this.stops) stop();
    byId("live").textContent = "";
  }

  #renderLimits() {
    const limits = status()?.limits;
    const most = [limits && text("intake.upTo", { size: megabytes(limits.max_upload_bytes) })];
    if (limits?.video) most.push(text("intake.videosUpTo", { size: megabytes(limits.max_video_bytes) }));
    this.limit.textContent = limits ? most.join(" · ") : "";
    this.link.hidden = !limits?.links;
  }

  #onChange(check) {
    const all = checks();
    const held = document.activeElement;
    const at = [...this.list.children].indexOf(held.closest?.(".card"));
    document.body.dataset.state = all.length ? "list" : "empty";
    this.session.hidden = !all.length;
    if (check && this.cards.has(check.id)) this.#fillCard(check);
    if (!check || !isOpen(check)) this.#layCards(all);
    this.#renderProgress(all);
    if (this.session.contains(held) || at >= 0) this.#keepFocus(held, at);
  }

  // If the focused element is gone, focus its neighbor, so that keyboard users keep their place.
  #keepFocus(held, at) {
    if (held === document.activeElement && held.checkVisibility()) return;
    const cards = this.list.children;
    const near = cards[Math.min(at, cards.length - 1)]?.querySelector(".card-link");
    const button = [...this.session.querySelectorAll(".session-top button")].find((one) => one.checkVisibility() && !one.disabled);
    (near ?? button ?? byId("choose")).focus();
  }

  // Cards that stay where they are are not touched, so that they keep the focus.
  #layCards(all) {
    const { ordered, states } = this.worklist.arrange(all);
    for (const [id, card] of this.cards) {
      if (states.has(id)) continue;
      card.remove();
      this.cards.delete(id);
    }
    let next = this.list.firstElementChild;
    for (const check of ordered) {
      if (!this.cards.has(check.id)) {
        const card = cardOf(check);
        card.append(copiesRow(() => this.worklist.toggle(check.id)), decisionRow(check));
        this.cards.set(check.id, card);
      }
      const card = this.#fillCard(check);
      card.hidden = states.get(check.id).hidden;
      updateCopies(card, states.get(check.id));
      if (card === next) next = next.nextElementSibling;
      else this.list.insertBefore(card, next);
    }
  }

  #fillCard(check) {
    const card = this.cards.get(check.id);
    updateCard(card, check);
    updateDecision(card, check);
    const image = card.querySelector(".card-image img");
    if (image) image.style.objectPosition = facePosition(check.answer);
    return card;
  }

  #renderProgress(all) {
    const open = all.filter(isOpen);
    const done = all.filter((check) => isDone(check) && !canBeSent(check)).length;
    this.progress.max = Math.max(1, all.length);
    this.progress.value = done;
    this.progress.classList.toggle("done", !open.length);
    this.count.textContent = text("checks.done", { done, count: all.length });
    const count = all.filter(canBeSent).length;
    this.start.hidden = !count;
    this.start.textContent = text("checks.analyse", { count });
    this.stop.hidden = !all.some(({ state }) => ["queued", "analyzing", "busy"].includes(state));
    for (const button of this.saving.children) button.disabled = !done;
    this.progress.classList.toggle("single", all.length < 2);
    this.clear.hidden = !this.stop.hidden;
    if (all.length > 1 && !open.length) byId("live").textContent = this.count.textContent;
  }

  #intake() {
    const choose = element(
      "button",
      { type: "button", class: "drop", id: "choose" },
      dropMark(),
      element("span", { class: "drop-words" },
        element("span", { class: "drop-title for-mouse", "data-text": "intake.drop" }),
        element("span", { class: "drop-title for-touch", "data-text": "intake.tap" }),
        element("span", { class: "drop-or for-mouse" }, element("span", { "data-text": "intake.or" }), " ", element("u", { "data-text": "intake.choose" })),
      ),
      element("span", { class: "drop-formats" }, element("span", { "data-text": "intake.formats" }), this.limit),
    );
    choose.addEventListener("click", () => byId("file").click());
    const atOnce = element("input", { type: "checkbox", id: "at-once", role: "switch" });
    atOnce.checked = startsAtOnce();
    atOnce.addEventListener("change", () => setStartsAtOnce(atOnce.checked));
    return element(
      "section",
      { class: "intake" },
      element("h1", { "data-text": "hero.heading" }),
      element("p", { class: "lead", "data-text": "hero.lead" }),
      choose,
      element(
        "div",
        { class: "ways" },
        cameraButton(),
        this.link,
        menu("options", "intake.options", [element("label", { class: "switch" }, atOnce, element("span", { "data-text": "intake.atOnce" }))]),
      ),
      sampleRow(addFiles),
      element("p", { class: "privacy" }, icon("lock"), this.privacy),
    );
  }

  #linkForm() {
    const field = element("input", { type: "url", id: "link", required: true, "data-label": "intake.link", placeholder: "https://" });
    const form = element("form", { class: "link", hidden: true }, field, element("button", { class: "quiet", "data-text": "checks.analyseOne" }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      addLink(field.value.trim());
      field.value = "";
    });
    return form;
  }

  #session() {
    const button = (id, path, press, look = "quiet") => {
      const node = element("button", { type: "button", class: look, id, ...(path && { "data-text": path }) });
      node.addEventListener("click", press);
      return node;
    };
    this.start = button("analyse", "", () => analyse(checks().filter(canBeSent)), "primary");
    this.stop = button("cancel", "checks.cancel", () => cancel(checks()));
    const done = () => checks().filter(isDone);
    this.saving = element(
      "span",
      { class: "saving" },
      button("save-json", "checks.json", () => download(entriesAsJson(done()), "veraface.json")),
      button("save-csv", "checks.csv", () => download(entriesAsCsv(done()), "veraface.csv")),
    );
    this.clear = button("clear", "checks.clear", () => remove(checks()));
    return element(
      "section",
      { class: "session", "data-label": "checks.heading" },
      element("div", { class: "session-top" }, this.count, element("div", { class: "links" }, this.start, this.saving, this.stop, this.clear)),
      this.progress,
      this.worklist.node,
      this.list,
    );
  }

  #keys() {
    const move = ({ key }) => moveFocus(this.list, key);
    const step = (forward) => moveFocus(this.list, forward === isRightToLeft() ? "ArrowLeft" : "ArrowRight");
    const chosen = () => checks().find(({ id }) => id === document.activeElement.closest(".card")?.dataset.id);
    return addKeys({
      Enter: { label: "keys.analyse", run: () => analyse(checks().filter(({ state }) => state === "ready")) },
      ArrowRight: { label: "keys.nextResult", run: move },
      ArrowLeft: { label: "keys.previousResult", run: move },
      ArrowDown: { run: move },
      ArrowUp: { run: move },
      j: { label: "keys.nextResult", run: () => step(true) },
      k: { label: "keys.previousResult", run: () => step(false) },
      ...decisionKeys(chosen),
      c: { label: "keys.camera", run: () => byId("camera").hidden || byId("camera").click() },
      Escape: { label: "keys.close", run: () => cancel(checks().filter(({ state }) => state !== "ready")) },
    });
  }
}

// The view of a single result comes while a person chooses an image, not with every visit of the start page.
function preloadResult(root) {
  const preload = () => import("./result.js");
  for (const sign of ["pointerover", "pointerdown", "focusin"]) root.addEventListener(sign, preload, { once: true });
  addEventListener("dragenter", preload, { once: true });
}

// A phone has a camera program of its own, which takes better photos than a page can.
function cameraButton() {
  const own = element("input", { type: "file", accept: "image/*", capture: "environment", hidden: true });
  own.addEventListener("change", () => own.files.length && addFiles([...own.files]));
  const onPhone = matchMedia("(pointer: coarse)").matches;
  const open = async () => {
    const { openCamera } = await import("../camera.js");
    openCamera((file) => addFiles([file]));
  };
  const take = () => (onPhone ? own.click() : open());
  const words = element("span", { "data-text": "camera.open" });
  const button = element("button", { type: "button", class: "quiet", id: "camera", onclick: take }, icon("camera"), words, own);
  button.hidden = !onPhone && !navigator.mediaDevices?.getUserMedia;
  return button;
}

function dropMark() {
  const svg = document.createElementNS(SVG, "svg");
  const values = { viewBox: "0 0 48 48", class: "drop-mark", "aria-hidden": "true", focusable: "false" };
  for (const [name, value] of Object.entries(values)) svg.setAttribute(name, value);
  for (const [shape, name] of [
    ["M6 16v-5a5 5 0 0 1 5-5h5M32 6h5a5 5 0 0 1 5 5v5M42 32v5a5 5 0 0 1-5 5h-5M16 42h-5a5 5 0 0 1-5-5v-5", "corners"],
    ["M24 32V17M17.5 23.5 24 17l6.5 6.5", "arrow"],
  ]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", shape);
    path.setAttribute("class", name);
    svg.append(path);
  }
  return svg;
}
