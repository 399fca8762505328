// Zooms and pans the image by buttons, keys, pinching, dragging and Ctrl with the wheel, through Panzoom.
import Panzoom from "../vendor/panzoom/panzoom.js";
import { element, icon } from "./dom.js";
import { text } from "./language.js";

const MAX_SCALE = 8; // times
const STEP = 1.65; // times
const MOVED = 5; // px from which on a press is no click
const STRIDE = 0.15; // of what is seen, for one press of an arrow key
const TOWARDS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Lets `layer` be zoomed and moved inside `frame`; buttons and keys zoom towards what `target()` returns.
 *
 * Returns { controls (to be placed), zoomIn(), zoomOut(), zoomTo(scale), reset(), bringIn(part), justMoved(), say(), close() }.
 */
export function setUpZoom(layer, frame, target) {
  const panzoom = Panzoom(layer, {
    maxScale: MAX_SCALE,
    minScale: 1,
    contain: "outside",
    panOnlyWhenZoomed: true,
    touchAction: "pan-y",
    cursor: "",
    overflow: "clip", // "hidden" would still be scrolled by the browser towards what gets the focus
    animate: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    handleStartEvent() {}, // a press on a face box stays a click
  });
  const share = element("span", { class: "zoom-share", "aria-live": "polite" });
  const out = button("minus", () => zoomBy(1 / STEP));
  const closer = button("plus", () => zoomBy(STEP));
  const whole = button("whole", () => panzoom.reset());
  const controls = element("div", { class: "zoom", role: "group", "data-label": "stage.zoom" }, out, share, closer, whole);
  let from = null;
  let moved = false;

  const onWheel = (event) => {
    if (event.ctrlKey || event.metaKey || isZoomed()) panzoom.zoomWithWheel(event, { step: 0.2 });
  };
  frame.addEventListener("wheel", onWheel, { passive: false });
  layer.addEventListener("dblclick", (event) => {
    if (event.target.closest("button")) return;
    if (isZoomed()) panzoom.reset();
    else panzoom.zoomToPoint(2.5, event, { animate: true });
  });
  layer.addEventListener("panzoomstart", () => {
    from = panzoom.getPan();
    moved = false;
  });
  layer.addEventListener("panzoompan", ({ detail: { x, y, scale } }) => {
    moved ||= from !== null && Math.hypot(x - from.x, y - from.y) * scale > MOVED;
  });
  layer.addEventListener("panzoomend", () => (from = null));
  // As in a scrolled region: the arrow keys move what is seen, once it has the focus.
  frame.addEventListener("keydown", (event) => {
    const [across, down] = TOWARDS[event.key] ?? [];
    const other = event.shiftKey || event.ctrlKey || event.altKey || event.metaKey;
    if (event.target !== frame || across === undefined || other || !isZoomed()) return;
    event.preventDefault();
    moveBy(-across * STRIDE * frame.clientWidth, -down * STRIDE * frame.clientHeight);
  });
  layer.addEventListener("focusin", ({ target: part }) => part.matches(":focus-visible") && bringIn(part));
  layer.addEventListener("panzoomchange", ({ detail: { scale } }) => {
    layer.style.setProperty("--zoom", String(scale));
    layer.style.touchAction = isZoomed() ? "none" : "pan-y";
    frame.classList.toggle("zoomed", isZoomed());
    frame.tabIndex = isZoomed() ? 0 : -1;
    renderShare(scale);
  });

  function isZoomed() {
    return panzoom.getScale() > 1.005; // its steps are no whole numbers
  }

  // Panzoom draws with the next frame and glides there, but measures what is drawn: each step starts from the end of
  // the one before.
  function settle() {
    const { x, y } = panzoom.getPan();
    layer.style.transition = "none";
    layer.style.transform = `scale(${panzoom.getScale()}) translate(${x}px, ${y}px)`;
  }

  function moveBy(x, y) {
    settle();
    const scale = panzoom.getScale();
    panzoom.pan(x / scale, y / scale, { relative: true, animate: true });
  }

  // Zoomed, a face may be out of sight: it must not have the focus, or be looked at, there.
  function bringIn(part) {
    if (!part || !isZoomed()) return;
    settle();
    const [seen, box] = [frame, part].map((node) => node.getBoundingClientRect());
    const x = seen.left + seen.width / 2 - box.left - box.width / 2;
    const y = seen.top + seen.height / 2 - box.top - box.height / 2;
    if (Math.abs(x) > seen.width / 2 || Math.abs(y) > seen.height / 2) moveBy(x, y);
  }

  function zoomBy(factor) {
    settle();
    const { left, top, width, height } = target().getBoundingClientRect();
    const scale = panzoom.getScale() * factor;
    if (scale < 1.005) panzoom.reset();
    else panzoom.zoomToPoint(scale, { clientX: left + width / 2, clientY: top + height / 2 }, { animate: true });
  }

  function renderShare(scale) {
    share.textContent = text("stage.zoomed", { percent: `${Math.round(scale * 100)}%` });
    out.disabled = whole.disabled = !isZoomed();
    closer.disabled = scale >= MAX_SCALE;
  }

  return {
    controls,
    zoomIn: () => zoomBy(STEP),
    zoomTo: (scale) => zoomBy(scale / panzoom.getScale()),
    zoomOut: () => zoomBy(1 / STEP),
    reset: () => panzoom.reset(),
    bringIn,
    justMoved: () => moved,
    render() {
      for (const [node, path] of [[out, "stage.zoomOut"], [closer, "stage.zoomIn"], [whole, "stage.zoomReset"]]) {
        node.title = text(path);
        node.setAttribute("aria-label", node.title);
      }
      renderShare(panzoom.getScale());
    },
    close: () => panzoom.destroy(),
  };
}

function button(name, press) {
  const node = element("button", { type: "button", class: "icon-button" }, icon(name));
  node.addEventListener("click", press);
  return node;
}
