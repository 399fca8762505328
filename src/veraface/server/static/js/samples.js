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
  const button = ([file, label]) => {
    const address = addressOf(file);
    const image = element("img", { src: address, alt: "", width: 72, height: 72, loading: "lazy", decoding: "async" });
    const node = element("button", { type: "button", class: "sample" }, image, element("span", { "data-text": label }));
    node.addEventListener("click", () => add(address, text(label), addFiles));
    return element("li", {}, node);
  };
  const game = element("button", { type: "button", class: "sample", id: "game", onclick: play }, icon("uncertain"), element("span", { "data-text": "game.heading" }));
  return element(
    "div",
    { class: "samples" },
    element("p", { id: "samples-heading", "data-text": "samples.heading" }),
    element("ul", { "aria-labelledby": "samples-heading" }, SAMPLES.map(button), element("li", {}, game)),
  );
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
