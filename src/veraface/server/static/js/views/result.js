// One image: during the analysis, afterwards, and reopened from the history.
import { addFiles } from "../addFiles.js";
import { worstFirst } from "../answer.js";
import { AnswerSheet } from "../answerSheet.js";
import { decisionRow, updateDecision } from "../decision.js";
import { byId, element, serverPath } from "../dom.js";
import { faultAnnouncement, faultView } from "../fault.js";
import { handOnView } from "../handOn.js";
import { isRelative } from "../heatmap.js";
import { recall } from "../history.js";
import { makeThumbnail } from "../images.js";
import { addKeys } from "../keys.js";
import { fillIn, isRightToLeft, text } from "../language.js";
import { showNotice } from "../notice.js";
import { provenanceView } from "../provenance.js";
import { analyse, cancel, changes, find, retryNow } from "../queue.js";
import { ResultToolbar } from "../resultToolbar.js";
import { go } from "../router.js";
import { isProvenance } from "../validate.js";
import { announcement, verdictView } from "../verdict.js";
import { Viewer } from "../viewer.js";
import { waitingView } from "../waiting.js";

const SHRUNK_SIDE = 4000; // px; faces need far fewer
const FACE_ZOOM = 4; // times, for a face too small to classify

/** Fills root with the result of that check or entry of the history. */
export function open(root, { id }) {
  const view = new ResultView(root, id);
  return { title: "result.title", render: () => view.render(), close: () => view.close() };
}

class ResultView {
  constructor(root, id) {
    this.id = id;
    this.panel = element("div", { class: "panel", id: "panel" });
    this.toolbar = new ResultToolbar();
    const left = element("div", { class: "left" });
    const columns = element("div", { class: "columns" }, left, this.panel);
    this.sheet = new AnswerSheet(this.panel);
    root.append(element("section", { class: "work", "data-label": "result.label" }, this.toolbar.node, columns, this.sheet.node));
    this.viewer = new Viewer(left, (index) => this.#select(index));
    this.words = element("div", { class: "heatmap-words" });
    this.closeup = element("div", { class: "closeup-place" }); // filled by closeup.js
    this.views = element("div", { class: "evidence" }); // filled by forensicViews.js
    left.append(this.words, this.closeup, this.views);
    // Cut-outs and close-ups need the image, which may come after the verdict.
    this.viewer.image.addEventListener("load", () => this.answer && this.#fillPanel());
    this.stops = [this.#listen(), this.#keys()];
    this.check = find(id);
    if (this.check) this.#start(this.check);
    else this.#fromHistory();
  }

  render() {
    if (!this.check) return;
    this.toolbar.render(this.check);
    this.#layOut();
    this.forensicViews?.render();
  }

  close() {
    this.closed = true;
    clearInterval(this.clock);
    for (const stop of this.stops) stop();
    this.sheet.close();
    this.forensicViews?.close();
    this.viewer.close();
    if (this.ownUrl) URL.revokeObjectURL(this.ownUrl);
    byId("live").textContent = "";
  }

  #start(check) {
    this.check = check;
    this.decision = element("section", { class: "own-decision" }, decisionRow(check));
    this.viewer.show(check.url, check.link ? "stage.fromLink" : "stage.notKept", check.shape ?? check.answer);
    this.render();
  }

  async #fromHistory() {
    const entry = await recall(this.id);
    if (this.closed) return;
    const failed = ["failed", "no_face"].includes(entry?.verdict);
    if (!entry || !(failed || entry.answer?.faces?.length)) {
      this.#nothingHere();
      return;
    }
    this.ownUrl = entry.picture ? URL.createObjectURL(entry.picture) : null;
    this.#start({ ...entry, state: failed ? "failed" : "analyzed", url: this.ownUrl, old: true });
  }

  #nothingHere() {
    document.body.dataset.state = "missing";
    const links = element(
      "p",
      { class: "links" },
      element("a", { class: "button primary", href: serverPath("/"), "data-text": "result.toStart" }),
      element("a", { class: "button", href: serverPath("/history"), "data-text": "result.toHistory" }),
    );
    const words = [element("h1", { "data-text": "result.missing" }), element("p", { "data-text": "result.missingDetail" })];
    const missing = element("section", { class: "nothing" }, ...words, links);
    for (const node of missing.querySelectorAll("[data-text]")) node.textContent = text(node.dataset.text);
    byId("main").replaceChildren(missing);
  }

  #listen() {
    const onChange = ({ detail }) => {
      if (detail === null || detail === this.check) this.check && this.#layOut();
    };
    changes.addEventListener("change", onChange);
    return () => changes.removeEventListener("change", onChange);
  }

  // The panel and the stage for what is known now. Nothing is rebuilt while nothing that shows has changed.
  #layOut() {
    const { check } = this;
    document.body.dataset.state = { queued: "analyzing", busy: "busy" }[check.state] ?? check.state;
    this.viewer.scan(check.state === "analyzing" || check.state === "queued");
    this.panel.setAttribute("aria-busy", String(check.state === "analyzing" || check.state === "queued"));
    const analyzed = check.state === "analyzed";
    for (const part of [this.views, this.words, this.closeup]) part.hidden = !analyzed;
    clearInterval(this.clock);
    const held = this.panel.contains(document.activeElement);
    if (check.state === "analyzed") this.#layVerdict();
    else if (check.state === "failed") this.#layFault();
    else this.#layWaiting();
    // Who pressed what is gone now goes on reading here, not at the top of the page.
    if (held && !this.panel.contains(document.activeElement)) this.panel.querySelector("#verdict").focus({ preventScroll: true });
  }

  #layVerdict() {
    const { answer } = this.check;
    if (!this.answer) {
      // The worst first, also in the numbers on the image.
      this.answer = { ...answer, faces: worstFirst(answer.faces).map((index) => answer.faces[index]) };
      this.actions = handOnView(this.check, this.viewer);
      this.viewer.lay(this.answer, 0);
    }
    this.#fillPanel();
    this.viewer.render();
    byId("live").textContent = announcement(answer);
    this.loading ??= this.#layForensicViews();
  }

  // Later than all that a verdict needs.
  async #layForensicViews() {
    const { ForensicViews } = await import("../forensicViews.js");
    if (!this.closed) this.forensicViews = new ForensicViews(this.views, this.viewer, this.check);
  }

  #fillPanel() {
    const held = this.panel.contains(document.activeElement) ? document.activeElement : null;
    const { selected } = this.viewer;
    const { check, answer, actions } = this;
    const { image } = this.viewer;
    fillIn(actions);
    updateDecision(this.decision, check);
    const parts = verdictView({ check, answer, selected, select: (index) => this.#select(index), image, actions: [actions, this.decision] });
    const unfolded = this.panel.querySelector(".grades details")?.open;
    this.panel.replaceChildren(...parts.filter(Boolean));
    if (unfolded) this.panel.querySelector(".grades details").open = true;
    if (held) (held.isConnected ? held : this.panel.querySelectorAll(".face-item")[selected])?.focus({ preventScroll: true });
    this.words.replaceChildren(...heatmapWords(answer.faces[selected]));
    this.#layCloseup();
  }

  // Later than all that a verdict needs.
  async #layCloseup() {
    const { closeupView } = await import("../closeup.js");
    if (this.closed || !this.answer) return;
    const { selected, image } = this.viewer;
    this.closeup.replaceChildren(...[closeupView(image, this.answer, this.answer.faces[selected], selected)].filter(Boolean));
  }

  #layFault() {
    const { failure, answer } = this.check;
    const retry = this.check.file || this.check.link ? () => analyse([this.check]) : null;
    this.viewer.lay(answer ?? {}, answer?.faces?.length ? 0 : -1);
    this.viewer.render();
    const { file, name } = this.check;
    const zoom = answer?.faces?.length ? () => this.viewer.zoom.zoomTo(FACE_ZOOM) : null;
    const shrink = file ? () => this.#shrink(file) : null;
    const isPdf = file?.type === "application/pdf" || /\.pdf$/i.test(name);
    this.panel.replaceChildren(...faultView(failure, { retry, zoom, shrink, isPdf }).filter(Boolean));
    updateDecision(this.decision, this.check);
    this.panel.append(this.decision);
    if (isProvenance(answer?.provenance)) this.panel.append(provenanceView(answer.provenance)); // it needs no face
    byId("live").textContent = faultAnnouncement(failure);
  }

  // Sends a copy that the server accepts; the browser could read the image.
  async #shrink(file) {
    const copy = await makeThumbnail(file, SHRUNK_SIDE);
    if (copy) addFiles([new File([copy], file.name, { type: copy.type })]);
    else showNotice("faults.notShrunk");
  }

  #layWaiting() {
    const act = {
      analyse: () => analyse([this.check]),
      cancel: () => cancel([this.check]),
      retryNow: () => retryNow(this.check),
    };
    const fill = () => {
      const { nodes, announcement, key } = waitingView(this.check, act);
      byId("live").textContent = announcement;
      if (key === this.waitingKey && this.panel.querySelector("#verdict")) {
        this.panel.querySelector("#verdict + p").textContent = nodes[0].querySelector("#verdict + p").textContent;
        return;
      }
      this.waitingKey = key;
      this.panel.replaceChildren(...nodes);
    };
    this.waitingKey = null;
    fill();
    if (["analyzing", "queued", "busy"].includes(this.check.state)) this.clock = setInterval(fill, 500);
  }

  #select(index) {
    const kept = this.viewer.boxes.children[index];
    this.viewer.select(index);
    this.viewer.zoom.bringIn(kept);
    if (this.check.state === "analyzed") this.#fillPanel();
    if (this.viewer.boxes.contains(document.activeElement)) kept?.focus();
    else this.panel.querySelectorAll(".face-item")[index]?.scrollIntoView({ block: "nearest" });
  }

  #keys() {
    const turn = () => (isRightToLeft() ? -1 : 1);
    const face = (step) => {
      const { length } = this.viewer.faces;
      if (length < 2 || this.check?.state !== "analyzed") this.toolbar.walkTo(step);
      else this.#select((this.viewer.selected + step + length) % length);
    };
    return addKeys({
      ArrowRight: { label: "keys.nextFace", run: () => face(turn()) },
      ArrowLeft: { label: "keys.previousFace", run: () => face(-turn()) },
      ...this.toolbar.keys(),
      "+": { label: "keys.zoomIn", run: () => this.viewer.zoom.zoomIn() },
      "-": { label: "keys.zoomOut", run: () => this.viewer.zoom.zoomOut() },
      0: { label: "keys.zoomReset", run: () => this.viewer.zoom.reset() },
      "← ↑ ↓ →": { label: "keys.move", run() {} }, // listed only: zoom.js handles them while the image has the focus
      e: { label: "keys.evidence", run: () => this.viewer.toggleHeatmap() },
      p: { label: "keys.print", run: () => print() },
      Enter: { label: "keys.analyse", run: () => this.check?.state === "ready" && analyse([this.check]) },
      Escape: { label: "keys.close", run: () => this.#escape() },
    });
  }

  #escape() {
    if (this.check && ["queued", "analyzing", "busy"].includes(this.check.state)) cancel([this.check]);
    else go(this.check?.old ? "/history" : "/");
  }
}

// How the heatmap is read and how it misleads: always there, whether it is shown or not.
function heatmapWords(face) {
  if (!face?.heatmap) return [];
  const reading = isRelative(face.heatmap.grid) ? "evidence.heatmap.relative" : "evidence.heatmap.reading";
  const labeled = ([heading, path]) => element("p", {}, element("strong", {}, text(heading)), " ", text(path));
  return [["evidence.reading", reading], ["evidence.misleading", "evidence.heatmap.misleading"]].map(labeled);
}
