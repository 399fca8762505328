// Images to try, for people who have none at hand. Their origins and licenses: samples/README.md.
import { element, icon, serverPath } from "./dom.js";
import { text } from "./language.js";
import { showNotice } from "./notice.js";

const SAMPLES = [
  ["generated.jpg", "samples.generated"],
  ["astronaut.jpg", "samples.real"],
  ["officer.jpg", "samples.hard"],
];

/** A row of buttons, each of which passes one of the images to `addFiles`. */
export function sampleRow(addFiles) {
  const game = element("button", { type: "button", class: "sample", id: "game", onclick: play }, icon("uncertain"), element("span", { "data-text": "game.heading" }));
  const buttons = SAMPLES.map(([file, label]) => element("li", {}, sampleButton(file, label, addFiles)));
  return element(
    "div",
    { class: "samples" },
    element("p", { id: "samples-heading", "data-text": "samples.heading" }),
    element("ul", { "aria-labelledby": "samples-heading" }, buttons, element("li", {}, game)),
  );
}

/** A button that shows an image and passes it to `addFiles`; `label` is the path of its name. */
export function sampleButton(file, label, addFiles) {
  const address = addressOf(file);
  const image = element("img", { src: address, alt: "", width: 72, height: 72, loading: "lazy", decoding: "async" });
  const onclick = () => add(address, text(label), addFiles);
  return element("button", { type: "button", class: "sample", onclick }, image, element("span", { "data-text": label }, text(label)));
}

async function play() {
  const { FACES, openGame } = await import("./game.js");
  const files = await Promise.all(FACES.map(([file]) => fetchSample(addressOf(file), file)));
  if (files.includes(null)) return showNotice("samples.unreachable");
  return openGame(files.map((file, i) => ({ file, truth: FACES[i][1] })));
}

async function add(address, name, addFiles) {
  const file = await fetchSample(address, `${name}.jpg`);
  if (file) addFiles([file]);
  else showNotice("samples.unreachable");
}

async function fetchSample(address, name) {
  const content = await fetch(address).then((answer) => (answer.ok ? answer.blob() : null)).catch(() => null);
  return content && new File([content], name, { type: "image/jpeg" });
}

function addressOf(file) {
  return serverPath(`/static/samples/${file}`);
}
