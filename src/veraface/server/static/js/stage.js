// The picture with what lies over it: the scan while it is judged, face boxes, the evidence.
import { byId, element } from "./dom.js";
import { faceLabel, verdictOf } from "./format.js";
import { paintGrid } from "./heatmap.js";
import { text } from "./language.js";

const CANVAS_SIDE = 1024; // px of the longer side; the evidence is smooth, more would only cost memory

export class Stage {
  constructor() {
    this.frame = byId("frame");
    this.picture = byId("picture");
    this.canvas = byId("evidence");
    this.boxes = byId("boxes");
    this.note = byId("stage-note");
    this.controls = byId("evidence-controls");
    this.slider = byId("evidence-strength");
    this.onSelect = () => {};
    this.url = null;
    this.faces = [];
    this.selected = 0;
    this.slider.addEventListener("input", () => this.#drawEvidence());
    this.picture.addEventListener("load", () => this.#shown());
    this.picture.addEventListener("error", () => this.#notShown());
  }

  /** Shows the file at once, while it is being judged. */
  preview(file) {
    this.clear();
    this.url = URL.createObjectURL(file);
    this.say();
    this.picture.src = this.url;
    this.frame.classList.add("scanning");
  }

  /** Ends the scan and lays the faces over the picture; width and height are those of the answer. */
  finish({ faces = [], width, height }, selected = 0) {
    this.frame.classList.remove("scanning");
    if (!width) {
      if (this.frame.classList.contains("blank")) this.note.textContent = text("stage.nothing");
      return;
    }
    this.#proportions(width, height);
    this.size = { width, height };
    this.faces = faces ?? [];
    this.boxes.replaceChildren(...this.faces.map((face, index) => this.#box(face, index)));
    this.controls.hidden = !this.faces.some((face) => face.heatmap);
    if (this.frame.classList.contains("blank")) this.note.textContent = text("stage.noPreviewFaces");
    this.select(selected);
  }

  /** Its words, in the language of the moment. */
  say() {
    this.picture.alt = this.url ? text("stage.alt") : "";
    if (this.frame.classList.contains("blank")) this.note.textContent = text("stage.noPreview");
  }

  select(index) {
    this.selected = index;
    [...this.boxes.children].forEach((box, at) => box.setAttribute("aria-pressed", String(at === index)));
    this.#drawEvidence();
  }

  clear() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = null;
    this.picture.removeAttribute("src");
    this.frame.classList.remove("scanning", "blank", "shown");
    this.frame.style.removeProperty("--ratio");
    this.note.textContent = "";
    this.boxes.replaceChildren();
    this.faces = [];
    this.controls.hidden = true;
    this.#drawEvidence();
  }

  #shown() {
    this.frame.classList.add("shown");
    this.#proportions(this.picture.naturalWidth, this.picture.naturalHeight);
  }

  #notShown() {
    if (!this.url) return;
    this.frame.classList.add("blank");
    this.say();
  }

  #proportions(width, height) {
    this.frame.style.setProperty("--ratio", String(width / height));
  }

  #box(face, index) {
    const [x, y, width, height] = face.box;
    const verdict = verdictOf(face);
    const short = this.faces.length > 1 ? String(index + 1) : text(`verdicts.${verdict}.short`);
    const tag = element("span", { class: "tag", "aria-hidden": "true" }, short);
    const label = faceLabel(face, index);
    const box = element("button", { type: "button", class: "face-box", "data-verdict": verdict }, tag);
    box.setAttribute("aria-label", label);
    box.title = label;
    box.addEventListener("click", () => this.onSelect(index));
    const part = (value, whole) => `${(100 * value) / whole}%`;
    box.style.left = part(x, this.size.width);
    box.style.top = part(y, this.size.height);
    box.style.width = part(width, this.size.width);
    box.style.height = part(height, this.size.height);
    box.classList.toggle("tag-inside", y / this.size.height < 0.08);
    // Faces come largest first: a small one over a large one must stay within reach.
    box.style.zIndex = String(index + 1);
    return box;
  }

  #drawEvidence() {
    const context = this.canvas.getContext("2d");
    const heatmap = this.faces[this.selected]?.heatmap;
    if (!heatmap) {
      context.clearRect(0, 0, this.canvas.width, this.canvas.height);
      return;
    }
    const scale = CANVAS_SIDE / Math.max(this.size.width, this.size.height);
    this.canvas.width = Math.max(1, Math.round(this.size.width * scale));
    this.canvas.height = Math.max(1, Math.round(this.size.height * scale));
    const [x, y, width, height] = heatmap.box.map((value) => value * scale);
    context.globalAlpha = Number(this.slider.value) / 100;
    context.imageSmoothingQuality = "high";
    heatmap.painted ??= paintGrid(heatmap.grid);
    context.drawImage(heatmap.painted, x, y, width, height);
  }
}
