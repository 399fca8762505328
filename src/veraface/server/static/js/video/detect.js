// Sends a video and receives progress. Never throws for a failed request: outcomes are those of api.js.
import { bodyOf, outcomeOf } from "../api.js";
import { serverPath } from "../dom.js";
import { areNumbers, isVideoResult } from "../validate.js";

const ADDRESS = "/api/predict-video?thumbnails=64";
// As many frames as the API analyzes of an animation that is sent as an image, so that all give the same verdict.
const ANIMATION_FRAMES = 8;

/** Send one video or animation; calls `tell({ done, total })` as frames are analyzed. Returns as detect() of api.js does. */
export async function detectVideo({ file, animation }, signal, tell) {
  const address = animation ? `${ADDRESS}&frames=${ANIMATION_FRAMES}` : ADDRESS;
  const form = new FormData();
  form.append("video", file, file.name || "video");
  try {
    const response = await fetch(serverPath(address), { method: "POST", body: form, signal });
    if (!response.ok || !response.body) return outcomeOf(response, await bodyOf(response));
    for await (const [name, data] of eventsOf(response.body)) {
      if (name === "progress" && areNumbers([data?.done, data?.total])) tell(data);
      else if (name === "result") return resultOf(data);
      else if (name === "error") return failed(data?.error?.code, data?.error?.message);
    }
    return failed("unreachable"); // the connection ended before the result
  } catch {
    return signal.aborted ? null : failed("unreachable");
  }
}

// Server-sent events (WHATWG HTML, 9.2.6) as this server writes them: a name, one line of JSON, an empty line.
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (waiting + value).split("\n\n");
    waiting = parts.pop();
    for (const part of parts) {
      const [, name, data] = part.match(/^event: (\w+)\ndata: (.*)$/) ?? [];
      if (name) yield [name, JSON.parse(data)];
    }
  }
}

function resultOf(answer) {
  if (!isVideoResult(answer)) return failed("other");
  if (answer.verdict === "no_face") return failed("no_face");
  if (answer.p_fake === null) return failed(answer.reasons.some(({ code }) => code === "face_obscured") ? "face_obscured" : "face_too_small");
  return { kind: "analyzed", answer };
}

function failed(code, message) {
  const textOr = (words, otherwise) => (typeof words === "string" ? words : otherwise);
  return { kind: "failed", code: textOr(code, "other"), message: textOr(message, ""), answer: {} };
}
