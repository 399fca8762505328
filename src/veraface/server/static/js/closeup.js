// The chosen face enlarged, beside its heatmap, with the parts that forgeries get wrong, for a person to look at.
import { element } from "./dom.js";
import { drawHeatmap } from "./heatmap.js";
import { text } from "./language.js";

const LARGE = 480; // px of a drawn face
const DETAIL = [480, 240]; // px of a drawn part
const PARTS = ["eyes", "mouth", "ears", "hairline"];
const AROUND = 1.7; // width of what is shown, in widths of the face
const OPACITY = 0.75; // of the heatmap

/** The section for the face with this index of an answer, from a loaded image; null if the image cannot be shown. */
export function closeupView(image, { width, height }, face, index) {
  if (!image.naturalWidth) return null;
  const draw = (size, place, heatmap) => part(size, (context) => drawPlace(context, image, { width, height }, size, place, heatmap));
  const layout = layoutOf(face);
  const name = text("result.face", { number: index + 1 });
  const large = [figure(draw([LARGE, LARGE], layout.face), name)];
  if (face.heatmap) large.push(figure(draw([LARGE, LARGE], layout.face, face.heatmap), text("stage.heatmap")));
  const details = PARTS.map((name) => {
    const places = layout[name];
    const size = [DETAIL[0] / places.length, DETAIL[1]];
    const nodes = places.map((place) => draw(size, place));
    return figure(element("span", { class: "parts" }, nodes), text(`closeup.${name}.name`), text(`closeup.${name}.look`));
  });
  return element(
    "section",
    { class: "closeup" },
    element("h2", {}, text("closeup.heading")),
    element("div", { class: "closeup-faces" }, large),
    element("div", { class: "closeup-parts" }, details),
    element("p", { class: "hint" }, text("closeup.caution")),
  );
}

function part([width, height], draw) {
  const canvas = element("canvas", { width: String(width), height: String(height), "aria-hidden": "true" });
  draw(canvas.getContext("2d"));
  return canvas;
}

function figure(image, name, look = null) {
  return element("figure", {}, image, element("figcaption", {}, element("strong", {}, name), look ? element("span", {}, look) : null));
}

// The face upright, whatever its position in the image.
function drawPlace(context, image, size, [width], { x, y, wide, angle }, heatmap) {
  const { canvas } = context;
  context.imageSmoothingQuality = "high";
  context.translate(canvas.width / 2, canvas.height / 2);
  context.scale(width / wide, width / wide);
  context.rotate(-angle);
  context.translate(-x, -y);
  context.drawImage(image, 0, 0, size.width, size.height);
  if (!heatmap) return;
  context.globalAlpha = OPACITY;
  drawHeatmap(context, heatmap);
}

// Where the parts are: { x, y } of their middle and their width in pixels of the image, and the roll of the face.
function layoutOf({ box, landmarks }) {
  const [left, top, width, height] = box;
  const { eyes, mouth, angle, unit } = landmarks?.length === 5 ? fromLandmarks(landmarks) : fromBox(box);
  // Right and down along the face, in units of the distance between the eyes.
  const at = (origin, right, down, wide) => ({
    x: origin.x + unit * (right * Math.cos(angle) - down * Math.sin(angle)),
    y: origin.y + unit * (right * Math.sin(angle) + down * Math.cos(angle)),
    wide: wide * unit,
    angle,
  });
  return {
    face: { x: left + width / 2, y: top + height / 2, wide: AROUND * Math.max(width, height), angle },
    eyes: [at(eyes, 0, 0, 2.1)],
    mouth: [at(mouth, 0, 0, 1.7)],
    ears: [at(eyes, -1.2, 0.45, 1), at(eyes, 1.2, 0.45, 1)],
    hairline: [at(eyes, 0, -1.1, 2.4)],
  };
}

function fromLandmarks([one, other, , cornerOne, cornerOther]) {
  const middle = ([ax, ay], [bx, by]) => ({ x: (ax + bx) / 2, y: (ay + by) / 2 });
  const [eyes, mouth] = [middle(one, other), middle(cornerOne, cornerOther)];
  // Seen from the side, the eyes are close together: the distance to the mouth stays.
  const unit = Math.max(Math.hypot(other[0] - one[0], other[1] - one[1]), Math.hypot(mouth.x - eyes.x, mouth.y - eyes.y) * 0.9);
  return { eyes, mouth, unit, angle: Math.atan2(other[1] - one[1], other[0] - one[0]) };
}

function fromBox([x, y, width, height]) {
  return { eyes: { x: x + width / 2, y: y + 0.4 * height }, mouth: { x: x + width / 2, y: y + 0.78 * height }, unit: 0.42 * width, angle: 0 };
}
