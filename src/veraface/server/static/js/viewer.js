// The image viewer with its overlays: scan animation, face boxes, heatmap, forensic views; zoom and pan.
import { faceLabel, verdictName } from "./answer.js";
import { element, icon } from "./dom.js";
import { verdictOf } from "./format.js";
import { drawHeatmap, isRelative } from "./heatmap.js";
import { holdButton } from "./hold.js";
import { text } from "./language.js";
import { setUpZoom } from "./zoom.js";

const CANVAS_SIDE = 1024; // px of the longer side; the heatmap is smooth, more would only cost memory
const OPACITY = 0.6; // of the heatmap

export class Viewer {
  /** Append the viewer to `container`; calls `onSelect(index)` when a face is chosen. */
  constructor(container, onSelect) {
    this.onSelect = onSelect;
    this.image = element("img", { id: "image", alt: "", draggable: "false" });
    this.canvas = element("canvas", { id: "evidence", width: "1", height: "1", "aria-hidden": "true" });
    this.boxes = element("div", { id: "boxes", role: "group", "data-label": "stage.faces" });
    this.view = element("img", { id: "view", alt: "", draggable: "false", hidden: true });
    this.divider = element("span", { class: "divider", "aria-hidden": "true", hidden: true });
    this.layer = element("div", { class: "layer" }, this.image, this.canvas, this.view, this.divider, this.boxes);
    this.note = element("p", { id: "stage-note" });
    const scan = element("div", { class: "scan", "aria-hidden": "true" });
    this.frame = element("div", { class: "frame", id: "frame", role: "group", tabindex: "-1", "data-label": "stage.frame" }, this.layer, scan, this.note);
    this.controls = this.#controls();
    const tools = element("div", { class: "stage-tools" }, this.controls);
    container.append(element("figure", { class: "stage", "data-label": "stage.label" }, this.frame, tools));
    this.zoom = setUpZoom(this.layer, this.frame, () => this.boxes.children[this.selected] ?? this.frame);
    tools.append(this.zoom.controls);
    this.url = null;
    this.faces = [];
    this.selected = -1;
    this.image.addEventListener("load", () => this.#shown());
    this.image.addEventListener("error", () => this.#notShown());
  }

  /**
   * Show the image at a URL, or the text with path `why` if there is none; `shape` is its { width, height }
   * where that is known already.
   */
  show(url, why, shape) {
    this.url = url;
    this.why = why;
    if (shape?.width) this.#proportions(shape.width, shape.height);
    if (url) this.image.src = url;
    else this.#notShown();
    this.render();
  }

  /** Whether it is being looked at. */
  scan(wanted) {
    this.frame.classList.toggle("scanning", wanted);
  }

  /** Draw the faces of an answer over the image. */
  lay({ faces, width, height, thresholds }, selected) {
    if (!width) {
      this.controls.hidden = true;
      this.why = "stage.nothing";
      this.nothing = true;
      this.render();
      return;
    }
    this.#proportions(width, height);
    this.size = { width, height };
    this.faces = faces ?? [];
    this.thresholds = thresholds;
    this.boxes.replaceChildren(...this.faces.map((face, index) => this.#box(face, index)));
    this.controls.hidden = !this.faces.some((face) => face.heatmap);
    this.controls.classList.remove("to-come");
    this.select(selected);
    this.render();
  }

  /** Its words, in the language of the moment. */
  render() {
    this.image.alt = this.url ? text("stage.alt") : "";
    const blank = this.frame.classList.contains("blank");
    this.note.replaceChildren(...(blank ? [icon(this.url ? "file" : "link"), text(this.#noteName())] : []));
    [...this.boxes.children].forEach((box, index) => this.#nameBox(box, index));
    this.#renderLegend();
    this.zoom.render();
  }

  select(index) {
    this.selected = index;
    [...this.boxes.children].forEach((box, at) => {
      box.setAttribute("aria-pressed", String(at === index));
      box.tabIndex = at === Math.max(0, index) ? 0 : -1; // one tab stop; arrow keys move between faces
    });
    this.#drawOverlay();
  }

  /** Show a view { url, alt } of the whole image instead of the heatmap; null removes it. */
  cover(view) {
    this.view.hidden = !view;
    this.frame.classList.toggle("covered", Boolean(view));
    this.view.alt = view?.alt ?? "";
    if (view && this.view.src !== view.url) this.view.src = view.url;
    this.#drawOverlay();
  }

  /** Show or hide the heatmap. */
  toggleHeatmap(wanted = !this.heatmapOn.checked) {
    this.heatmapOn.checked = wanted;
    if (wanted) this.onHeatmap?.();
    this.#drawOverlay();
  }

  close() {
    this.zoom.close();
    this.image.removeAttribute("src");
  }

  #noteName() {
    if (!this.url || this.nothing) return this.why;
    return this.faces.length ? "stage.noPreviewFaces" : "stage.noPreview";
  }

  #shown() {
    this.frame.classList.add("shown");
    this.#proportions(this.image.naturalWidth, this.image.naturalHeight);
  }

  #notShown() {
    this.frame.classList.add("blank");
    this.zoom.controls.hidden = true;
    this.render();
  }

  #proportions(width, height) {
    this.frame.style.setProperty("--ratio", String(width / height));
  }

  #box(face, index) {
    const [x, y, width, height] = face.box;
    const tag = element("span", { class: "tag", "aria-hidden": "true" });
    const box = element("button", { type: "button", class: "face-box", "data-verdict": verdictOf(face) }, tag);
    box.addEventListener("click", () => this.zoom.justMoved() || this.onSelect(index));
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

  #nameBox(box, index) {
    const face = this.faces[index];
    box.firstChild.textContent = this.faces.length > 1 ? String(index + 1) : verdictName(face);
    box.title = faceLabel(face, index, this.thresholds);
    box.setAttribute("aria-label", box.title);
  }

  // The switch, the button and the slider that compare image and overlay, and what the colors mean. All keep their room while they are hidden.
  #controls() {
    this.heatmapOn = element("input", { type: "checkbox", role: "switch", id: "heatmap-on" });
    this.heatmapOn.addEventListener("change", () => this.toggleHeatmap(this.heatmapOn.checked));
    this.compare = element("input", { type: "range", id: "compare", min: "0", max: "100", value: "100", dir: "ltr", "data-label": "stage.compare" });
    this.compare.addEventListener("input", () => this.#wipe());
    this.legend = element(
      "span",
      { class: "legend", dir: "ltr" }, // as the scale of the answer
      element("span", { class: "less" }),
      element("span", { class: "scale", "aria-hidden": "true" }),
      element("span", { class: "more" }),
    );
    const label = element("label", { class: "switch" }, this.heatmapOn, element("span", { "data-text": "stage.heatmap" }));
    const hold = holdButton("hold", "stage.hold", (held) => this.frame.classList.toggle("plain", held));
    const slide = element("label", { class: "slide", for: "compare" }, element("span", { "data-text": "stage.slide" }), this.compare);
    return element("div", { id: "evidence-controls", class: "to-come" }, label, hold, slide, this.legend);
  }

  #renderLegend() {
    const relative = this.faces[this.selected]?.heatmap && isRelative(this.faces[this.selected].heatmap.grid);
    const [less, more] = relative ? ["stage.lessThanRest", "stage.moreThanRest"] : ["stage.speaksReal", "stage.speaksFake"];
    this.legend.firstChild.textContent = text(less);
    this.legend.lastChild.textContent = text(more);
  }

  #drawOverlay() {
    const covered = !this.view.hidden;
    const on = covered || this.heatmapOn.checked;
    this.controls.classList.toggle("off", !on);
    this.legend.classList.toggle("of-view", covered);
    this.#renderLegend();
    const context = this.canvas.getContext("2d");
    const heatmap = this.faces[this.selected]?.heatmap;
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (heatmap && on && !covered) {
      const scale = CANVAS_SIDE / Math.max(this.size.width, this.size.height);
      this.canvas.width = Math.max(1, Math.round(this.size.width * scale));
      this.canvas.height = Math.max(1, Math.round(this.size.height * scale));
      context.globalAlpha = OPACITY;
      context.imageSmoothingQuality = "high";
      context.scale(scale, scale);
      drawHeatmap(context, heatmap);
    }
    this.#wipe();
  }

  // The overlay is seen left of the slider: of the face's square for the heatmap, of the image for a view.
  #wipe() {
    const [from, to] = this.view.hidden ? this.#extent() : [0, 100];
    const share = Number(this.compare.value) / 100;
    const edge = from + (to - from) * share;
    for (const overlay of [this.canvas, this.view]) overlay.style.clipPath = share === 1 ? "" : `inset(0 ${100 - edge}% 0 0)`;
    this.divider.style.left = `${edge}%`;
    this.divider.hidden = this.controls.classList.contains("off") || share === 1 || share === 0;
  }

  #extent() {
    const [x, , width] = this.faces[this.selected]?.heatmap?.box ?? [0, 0, 0, 0];
    const share = (value) => Math.min(100, Math.max(0, (100 * value) / (this.size?.width || 1)));
    return [share(x), share(x + width)];
  }
}
