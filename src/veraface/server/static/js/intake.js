// Receives files and links: file dialog, drag and drop, paste.
import { imagesOf } from "./folders.js";

/** Call `addFiles(files, { leftOut })` for files, perhaps without others of their folder, and `addLink(link)` for an address. */
export function setUpIntake({ input, veil }, addFiles, addLink) {
  input.addEventListener("change", () => {
    addAll(input.files);
    input.value = ""; // so that the same file can be chosen again
  });
  document.addEventListener("paste", (event) => {
    if (event.target.closest?.("input, textarea")) return;
    addTransfer(event, event.clipboardData);
  });
  setUpDrop();

  function addAll(files) {
    if (files.length) addFiles([...files]);
  }

  function addTransfer(event, transfer) {
    const files = transfer?.files ?? [];
    const link = (transfer?.getData("text/uri-list") || transfer?.getData("text/plain") || "").trim();
    if (!files.length && !link) return false;
    event.preventDefault();
    if (files.length) addAll(files);
    else addLink(link.split(/\s/)[0]);
    return true;
  }

  function setUpDrop() {
    let depth = 0; // dragenter and dragleave come for every element on the way
    const show = (visible) => {
      if (!visible) depth = 0;
      veil.classList.toggle("visible", visible);
    };
    addEventListener("dragenter", (event) => {
      event.preventDefault();
      depth += 1;
      show(true);
    });
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("dragleave", () => {
      depth -= 1;
      if (depth <= 0) show(false);
    });
    addEventListener("drop", (event) => {
      event.preventDefault();
      show(false);
      const images = imagesOf(event.dataTransfer);
      if (images) images.then((found) => (found.images.length ? addFiles(found.images, { leftOut: found.leftOut > 0 }) : addLink("")));
      else if (!addTransfer(event, event.dataTransfer)) addLink("");
    });
  }
}
