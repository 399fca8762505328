// Takes a photo with the camera and shows it before it is used.
import { element } from "./dom.js";
import { text } from "./language.js";

const QUALITY = 0.95; // of the JPEG
const WISHES = { video: { facingMode: "user", width: { ideal: 1920 }, height: { ideal: 1080 } }, audio: false };

/** Open the camera in a dialog; calls `onPhoto(file)` with the accepted photo. */
export function openCamera(onPhoto) {
  const video = element("video", { autoplay: true, playsinline: true, muted: true, "aria-label": text("camera.live") });
  video.muted = true;
  const photo = element("canvas", { hidden: true, role: "img", "aria-label": text("camera.photo") });
  const note = element("p", { class: "hint", role: "status" }, text("camera.starting"));
  const shoot = button("camera-shoot", "primary", "camera.shoot");
  const use = button("camera-use", "primary", "camera.use");
  const anew = button("camera-anew", "quiet", "camera.anew");
  const close = button("camera-close", "quiet", "close");
  const heading = element("h2", { id: "camera-heading" }, text("camera.heading"));
  const dialog = element(
    "dialog",
    { class: "camera", "aria-labelledby": "camera-heading" },
    heading,
    element("div", { class: "camera-frame" }, video, photo),
    note,
    element("p", { class: "links" }, close, anew, shoot, use),
  );
  let stream = null;
  shoot.disabled = true;

  const look = (live) => {
    video.hidden = !live;
    photo.hidden = live;
    shoot.hidden = !live;
    use.hidden = anew.hidden = live;
    note.textContent = live ? text("camera.hint") : text("camera.keep");
    (live ? shoot : use).focus();
  };
  shoot.addEventListener("click", () => {
    photo.width = video.videoWidth;
    photo.height = video.videoHeight;
    photo.getContext("2d").drawImage(video, 0, 0);
    look(false);
  });
  anew.addEventListener("click", () => look(true));
  use.addEventListener("click", () => {
    photo.toBlob(
      (blob) => {
        dialog.close();
        onPhoto(new File([blob], text("camera.fileName"), { type: "image/jpeg" }));
      },
      "image/jpeg",
      QUALITY,
    );
  });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = "closed";
    dialog.remove();
  });
  document.body.append(dialog);
  use.hidden = anew.hidden = true;
  dialog.showModal();
  start();

  async function start() {
    try {
      const given = await navigator.mediaDevices.getUserMedia(WISHES);
      if (stream === "closed") {
        for (const track of given.getTracks()) track.stop();
        return;
      }
      stream = given;
      video.srcObject = given;
      await video.play();
      shoot.disabled = false;
      look(true);
    } catch (error) {
      shoot.hidden = true;
      note.textContent = text(error.name === "NotAllowedError" ? "camera.denied" : "camera.missing");
    }
  }
}

function button(id, look, path) {
  return element("button", { type: "button", class: look, id }, text(path));
}
