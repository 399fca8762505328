// Reads a plot point by point, with the pointer or the arrow keys. For screen readers it is a slider whose value text
// describes the point.
import { element } from "../dom.js";
import { text } from "../language.js";

const PAGE = 10; // stops, at Page Up and Page Down

export class PlotReadout {
  constructor(box, { name, stops, nearest = "x" }) {
    this.box = box;
    this.stops = stops;
    this.nearest = nearest;
    this.index = -1;
    this.plot = null;
    this.line = element("p", { class: "reading", "aria-hidden": "true" }, text("dashboard.readHint"));
    this.rule = element("span", { class: "rule", hidden: true });
    this.dots = [];
    if (!stops.length) return;
    const values = { role: "slider", tabindex: "0", "aria-label": name, "aria-valuemin": 1, "aria-valuemax": stops.length };
    for (const [key, value] of Object.entries(values)) box.setAttribute(key, value);
    this.#announce(0);
    box.addEventListener("keydown", (event) => this.#key(event));
    box.addEventListener("focus", () => box.matches(":focus-visible") && this.read(Math.max(0, this.index)));
    box.addEventListener("blur", () => this.hide());
  }

  /** Called once the plot is there. */
  attach(plot) {
    this.plot = plot;
    const most = Math.max(0, ...this.stops.map((stop) => stop.ys.length));
    this.dots = Array.from({ length: most }, () => element("span", { class: "dot", hidden: true }));
    plot.over.append(this.rule, ...this.dots);
    if (!this.stops.length) return;
    for (const kind of ["pointermove", "pointerdown"]) plot.over.addEventListener(kind, (event) => this.#point(event));
    plot.over.addEventListener("pointerleave", () => document.activeElement !== this.box && this.hide());
  }

  read(index) {
    this.index = Math.min(this.stops.length - 1, Math.max(0, index));
    this.#announce(this.index);
    this.line.textContent = this.stops[this.index].words;
    this.line.classList.add("on");
    this.place();
  }

  hide() {
    this.index = -1;
    this.line.textContent = text("dashboard.readHint");
    this.line.classList.remove("on");
    this.place();
  }

  /** Puts the marks where the point is: after a move, and after the plot has another size. */
  place() {
    if (!this.plot) return;
    const stop = this.stops[this.index];
    this.rule.hidden = !stop;
    this.dots.forEach((dot, i) => (dot.hidden = typeof stop?.ys[i] !== "number"));
    if (!stop) return;
    const x = this.plot.valToPos(stop.x, "x");
    this.rule.style.transform = `translateX(${x}px)`;
    this.dots.forEach((dot, i) => {
      if (!dot.hidden) dot.style.transform = `translate(${x}px, ${this.plot.valToPos(stop.ys[i], "y")}px)`;
    });
  }

  #announce(index) {
    this.box.setAttribute("aria-valuenow", index + 1);
    this.box.setAttribute("aria-valuetext", this.stops[index].words);
  }

  #point(event) {
    const { left, top } = this.plot.over.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    const distance = (stop) => {
      const dx = this.plot.valToPos(stop.x, "x") - x;
      return this.nearest === "x" ? Math.abs(dx) : Math.hypot(dx, this.plot.valToPos(stop.ys[0], "y") - y);
    };
    const distances = this.stops.map(distance);
    this.read(distances.indexOf(Math.min(...distances)));
  }

  #key(event) {
    const last = this.stops.length - 1;
    const to = {
      ArrowRight: this.index + 1,
      ArrowUp: this.index + 1,
      ArrowLeft: this.index - 1,
      ArrowDown: this.index - 1,
      PageUp: this.index + PAGE,
      PageDown: this.index - PAGE,
      Home: 0,
      End: last,
    }[event.key];
    if (event.key === "Escape") this.hide();
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation(); // the page has shortcuts of its own
    this.read(to);
  }
}
