// One video: progress during the analysis, then verdict, timeline and frames.
import { byId, element, serverPath } from "../dom.js";
import { download } from "../export.js";
import { faultAnnouncement, faultView } from "../fault.js";
import { nameOf, verdictOf } from "../format.js";
import { addKeys } from "../keys.js";
import { text } from "../language.js";
import { analyse, cancel, changes, find, retryNow } from "../queue.js";
import { go } from "../router.js";
import { chartOf, frameLabel } from "../video/chart.js";
import { frameTable, videoAnnouncement, videoPanel } from "../video/panel.js";
import { waitingView } from "../waiting.js";

await style(serverPath("/static/css/video.css"));

/** Fill root with the result of a video. */
export function open(root, { id }) {
  const view = new VideoView(root, find(id));
  return { title: "result.title", render: () => view.render(), close: () => view.close() };
}

// Loaded with the view: visits without videos do not load it.
function style(address) {
  const link = element("link", { rel: "stylesheet", href: address });
  const there = new Promise((done) => (link.onload = link.onerror = done));
  document.head.append(link);
  return there;
}

class VideoView {
  constructor(root, check) {
    this.check = check;
    this.selected = -1;
    this.panel = element("div", { class: "panel", id: "panel" });
    this.left = element("div", { class: "left" });
    this.overTime = element("div", { class: "over-time" });
    this.filename = element("h1", { id: "filename", dir: "auto" });
    const back = element("a", { class: "quiet button", id: "back", href: "/", "data-text": "result.toList" });
    const another = element("button", { type: "button", class: "quiet", id: "another", "data-text": "another" });
    another.addEventListener("click", () => byId("file").click());
    const toolbar = element("div", { class: "toolbar" }, back, this.filename, another);
    root.append(element("section", { class: "work", "data-label": "result.label" }, toolbar, element("div", { class: "columns video-columns" }, this.left, this.panel, this.overTime)));
    const onChange = ({ detail }) => (detail === null || detail === check) && this.#layOut();
    changes.addEventListener("change", onChange);
    this.stops = [() => changes.removeEventListener("change", onChange), this.#keys()];
  }

  render() {
    this.filename.textContent = nameOf(this.check);
    this.shown = null; // rebuild everything after a change of language
    this.#layOut();
  }

  close() {
    clearInterval(this.clock);
    for (const stop of this.stops) stop();
    byId("live").textContent = "";
  }

  #layOut() {
    const { state } = this.check;
    document.body.dataset.state = { queued: "analyzing" }[state] ?? state;
    this.panel.setAttribute("aria-busy", String(["analyzing", "queued"].includes(state)));
    clearInterval(this.clock);
    const held = this.panel.contains(document.activeElement);
    if (state === "analyzed") this.#layResult();
    else if (state === "failed") this.#layFault();
    else this.#layWaiting();
    if (held && !this.panel.contains(document.activeElement)) this.panel.querySelector("#verdict")?.focus({ preventScroll: true });
  }

  #layResult() {
    if (this.shown === "analyzed") return;
    this.shown = "analyzed";
    const { answer } = this.check;
    this.chart = chartOf(answer, (index) => this.#select(index));
    this.image = element("img", { alt: "", width: answer.width, height: answer.height });
    this.boxes = element("div", { class: "video-boxes", "aria-hidden": "true" });
    this.words = element("figcaption", {});
    this.frame = element("figure", { class: "video-frame" }, element("div", { class: "screen" }, this.image, this.boxes), this.words);
    this.frame.style.setProperty("--ratio", String(answer.width / answer.height));
    const save = element("button", { type: "button", class: "quiet", id: "save-json" }, text("result.saveJson"));
    save.addEventListener("click", () => this.#save());
    const hint = element("p", { class: "hint" }, text("video.hint"));
    this.left.replaceChildren(this.frame);
    this.overTime.replaceChildren(element("h2", { class: "chart-name" }, text("video.chart")), this.chart.node, hint, frameTable(answer), element("p", { class: "actions" }, save));
    this.panel.replaceChildren(...videoPanel(this.check, (track) => this.#look(track)));
    this.#select(this.selected < 0 ? this.#first() : this.selected);
    byId("live").textContent = videoAnnouncement(answer);
  }

  #layFault() {
    const { failure } = this.check;
    this.shown = "failed";
    this.left.replaceChildren();
    this.overTime.replaceChildren();
    this.panel.replaceChildren(...faultView(failure, { retry: () => analyse([this.check]) }).filter(Boolean));
    byId("live").textContent = faultAnnouncement(failure);
  }

  #layWaiting() {
    const act = { analyse: () => analyse([this.check]), cancel: () => cancel([this.check]), retryNow: () => retryNow(this.check) };
    const fill = () => {
      const { nodes, announcement, key } = waitingView(this.check, act);
      if (this.shown !== key) {
        this.shown = key;
        byId("live").textContent = announcement;
        this.bar = element("progress", { "aria-label": text("video.progressLabel") });
        this.count = element("p", { class: "hint", id: "video-count" });
        this.left.replaceChildren(element("div", { class: "video-progress" }, this.bar, this.count));
        this.overTime.replaceChildren();
        this.panel.replaceChildren(...nodes);
      } else this.panel.querySelector("#verdict + p").textContent = nodes[0].querySelector("#verdict + p").textContent;
      this.#renderProgress();
    };
    fill();
    if (["analyzing", "queued", "busy"].includes(this.check.state)) this.clock = setInterval(fill, 500);
  }

  #renderProgress() {
    const { progress, state } = this.check;
    this.bar.parentNode.hidden = state !== "analyzing";
    if (progress) {
      this.bar.max = progress.total;
      this.bar.value = progress.done;
    } else this.bar.removeAttribute("value");
    this.count.textContent = progress ? text("video.progress", { done: progress.done, count: progress.total }) : text("video.sending");
  }

  // The frame that the deciding face is best seen in.
  #first() {
    const { tracks, timeline } = this.check.answer;
    const track = tracks.find(({ p_fake }) => p_fake === this.check.answer.p_fake) ?? tracks[0];
    const { time } = track.frames[track.best];
    return Math.max(0, timeline.findIndex((point) => point.time === time));
  }

  #look(track) {
    const { time } = track.frames[track.best];
    this.#select(this.check.answer.timeline.findIndex((point) => point.time === time));
  }

  #select(index) {
    const { timeline, thresholds, tracks, width, height } = this.check.answer;
    this.selected = Math.min(timeline.length - 1, Math.max(0, index));
    const point = timeline[this.selected];
    const label = frameLabel(point, thresholds);
    this.frame.classList.toggle("blank", !point.thumbnail);
    if (point.thumbnail) this.image.src = point.thumbnail;
    else this.image.removeAttribute("src");
    this.image.alt = text("video.frameAlt", { frame: label });
    this.words.replaceChildren(element("bdi", {}, label));
    this.chart.mark(this.selected);
    const part = (value, whole) => `${(100 * value) / whole}%`;
    const boxes = tracks.flatMap((track, number) => track.frames.filter(({ time }) => time === point.time).map(({ box }) => {
      const [x, y, w, h] = box;
      const node = element("div", { class: "video-box", "data-verdict": verdictOf(track) }, element("span", {}, String(number + 1)));
      Object.assign(node.style, { left: part(x, width), top: part(y, height), width: part(w, width), height: part(h, height) });
      return node;
    }));
    this.boxes.replaceChildren(...boxes);
  }

  #save() {
    const { answer } = this.check;
    const timeline = answer.timeline.map(({ thumbnail: _, ...point }) => point);
    const content = JSON.stringify({ name: this.check.name, ...answer, timeline }, null, 2);
    download(new Blob([`${content}\n`], { type: "application/json" }), `veraface-${this.check.id}.json`);
  }

  #keys() {
    const move = (to) => this.check.state === "analyzed" && this.#select(to(this.selected));
    const last = () => this.check.answer.timeline.length - 1;
    return addKeys({
      ArrowRight: { label: "video.nextFrame", run: () => move((at) => at + 1) },
      ArrowLeft: { label: "video.previousFrame", run: () => move((at) => at - 1) },
      Home: { label: "video.firstFrame", run: () => move(() => 0) },
      End: { label: "video.lastFrame", run: () => move(last) },
      Enter: { label: "keys.analyse", run: () => this.check.state === "ready" && analyse([this.check]) },
      Escape: { label: "keys.close", run: () => (["queued", "analyzing", "busy"].includes(this.check.state) ? cancel([this.check]) : go("/")) },
    });
  }
}
