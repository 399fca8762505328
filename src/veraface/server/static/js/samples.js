// Images to try, for people who have none at hand. Their origins and licenses: samples/README.md.
import { element, serverPath } from "./dom.js";
import { text } from "./language.js";
import { showNotice } from "./notice.js";

const SAMPLES = [
  ["face-swap.jpg", "samples.swap"],
  ["astronaut.jpg", "samples.real"],
  ["officer.jpg", "samples.hard"],
];

/** A row of buttons, each of which passes one of the images to `addFiles`. */
export function sampleRow(addFiles) {
  const button = ([file, label]) => {
    const address = serverPath(`/static/samples/${file}`);
    const image = element("img", { src: address, alt: "", width: 72, height: 72, loading: "lazy", decoding: "async" });
    const node = element("button", { type: "button", class: "sample" }, image, element("span", { "data-text": label }));
    node.addEventListener("click", () => add(address, text(label), addFiles));
    return element("li", {}, node);
  };
  return element(
    "div",
    { class: "samples" },
    element("p", { id: "samples-heading", "data-text": "samples.heading" }),
    element("ul", { "aria-labelledby": "samples-heading" }, SAMPLES.map(button)),
  );
}

async function add(address, name, addFiles) {
  const content = await fetch(address).then((answer) => (answer.ok ? answer.blob() : null)).catch(() => null);
  if (content) addFiles([new File([content], `${name}.jpg`, { type: "image/jpeg" })]);
  else showNotice("samples.unreachable");
}
