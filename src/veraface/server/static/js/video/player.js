// The video itself with the boxes of its faces, or, where the browser cannot play it, its analyzed frames. Of an animated
// image these are shown one by one, and the whole of it by a button.
import { element } from "../dom.js";
import { verdictOf } from "../format.js";
import { text } from "../language.js";
import { boxAt, frameLabel } from "./times.js";

export class Player {
  /**
   * @param url Of the video, null where only its frames are kept.
   * @param onTime Called with the time in seconds whenever the video is at another one.
   * @param animation Whether the URL is that of an animated image.
   */
  constructor(url, onTime, animation) {
    this.onTime = onTime;
    this.answer = null;
    this.point = null; // the frame that was shown last
    this.animationUrl = animation ? url : null;
    this.playable = Boolean(url) && !animation; // at any time
    this.kept = Boolean(url); // the file is here, whether or not it can be played
    this.image = element("img", { alt: "", hidden: this.playable });
    this.video = element("video", { controls: true, playsinline: true, preload: "auto", "data-label": "video.player", hidden: !this.playable });
    this.boxes = element("div", { class: "video-boxes", "aria-hidden": "true" });
    this.screen = element("div", { class: "screen" }, this.video, this.image, this.boxes);
    this.words = element("figcaption", {});
    this.note = element("p", { class: "hint video-note", role: "status" });
    this.play = element("button", { type: "button", class: "quiet", id: "play-animation", "data-text": "video.play", onclick: () => this.toggle() });
    this.node = element("figure", { class: "video-frame" }, this.screen, this.words, this.play, this.note);
    this.video.addEventListener("error", () => this.#stills());
    // Of some files only the sound can be played.
    this.video.addEventListener("loadedmetadata", () => (this.video.videoWidth ? this.#proportions(this.video.videoWidth, this.video.videoHeight) : this.#stills()));
    for (const name of ["timeupdate", "seeking", "seeked"]) this.video.addEventListener(name, () => this.#moved());
    this.video.addEventListener("play", () => this.#follow());
    // Keys in the player's own controls are for these.
    this.video.addEventListener("keydown", (event) => event.key !== "Escape" && event.stopPropagation());
    this.image.addEventListener("load", () => !this.answer && this.#proportions(this.image.naturalWidth, this.image.naturalHeight));
    if (this.playable) this.video.src = url;
    else if (this.animationUrl) this.image.src = url; // moves until there is a result
    this.render();
  }

  get time() {
    return this.video.currentTime;
  }

  /** Show the faces of a result. */
  lay(answer) {
    this.answer = answer;
    this.#proportions(answer.width, answer.height);
    this.image.width = answer.width;
    this.image.height = answer.height;
    this.render();
  }

  /** Show a frame of the result; `seek`: have the video go to it. */
  show(point, { seek = true } = {}) {
    const { thresholds, rate } = this.answer;
    this.point = point;
    const label = frameLabel(point, thresholds);
    this.words.replaceChildren(element("bdi", {}, label));
    this.image.alt = text("video.frameAlt", { frame: label });
    this.play.setAttribute("aria-pressed", "false");
    if (point.thumbnail) this.image.src = point.thumbnail;
    else this.image.removeAttribute("src");
    this.node.classList.toggle("blank", !this.playable && !point.thumbnail);
    // Into the frame, not to its edge: rounding could show the one before.
    if (this.playable && seek) this.video.currentTime = point.time + 0.5 / Math.max(rate, 1);
    this.#drawBoxes(point.time);
  }

  /** Play or pause the video; show an animation moving or the frame that was shown before. */
  toggle() {
    if (this.animationUrl && this.answer) this.#toggleAnimation();
    else if (!this.playable) return;
    else if (this.video.paused) this.video.play().catch(() => {});
    else this.video.pause();
  }

  pause() {
    this.video.pause();
  }

  /** Its words, in the language of the moment. */
  render() {
    const path = this.playable || this.animationUrl ? "" : this.kept ? "video.notPlayable" : "video.notKept";
    this.note.textContent = path && text(path);
    this.note.hidden = !path;
    this.screen.hidden = !this.playable && !this.animationUrl && !this.answer;
    this.play.hidden = !this.animationUrl || !this.answer;
    this.video.setAttribute("aria-label", text("video.player"));
  }

  close() {
    this.video.pause();
    this.video.removeAttribute("src");
  }

  #toggleAnimation() {
    if (this.image.src !== this.animationUrl) {
      this.image.src = this.animationUrl;
      this.image.alt = text("video.player");
      this.play.setAttribute("aria-pressed", "true");
      this.words.textContent = "\u00a0"; // words and boxes belong to single frames
      this.boxes.replaceChildren();
    } else this.show(this.point);
  }

  #stills() {
    if (!this.playable) return;
    this.playable = false;
    this.video.hidden = true;
    this.image.hidden = false;
    this.node.classList.toggle("blank", !this.image.hasAttribute("src"));
    this.render();
  }

  #proportions(width, height) {
    this.node.style.setProperty("--ratio", String(width / height));
  }

  #follow() {
    this.#moved();
    if (!this.video.paused && this.node.isConnected) requestAnimationFrame(() => this.#follow());
  }

  #moved() {
    if (!this.playable || !this.answer) return;
    this.onTime(this.time);
    this.#drawBoxes(this.time - (this.video.paused ? 0.5 / Math.max(this.answer.rate, 1) : 0));
  }

  #drawBoxes(time) {
    const { tracks, width, height, rate } = this.answer;
    const part = (value, whole) => `${(100 * value) / whole}%`;
    const nodes = tracks.flatMap((track, number) => {
      const box = boxAt(track, time, rate);
      if (!box) return [];
      const node = element("div", { class: "video-box", "data-verdict": verdictOf(track) }, element("span", {}, String(number + 1)));
      const [x, y, w, h] = box;
      Object.assign(node.style, { left: part(x, width), top: part(y, height), width: part(w, width), height: part(h, height) });
      return [node];
    });
    this.boxes.replaceChildren(...nodes);
  }
}
