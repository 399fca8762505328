// Talks to the server. Never throws for a failed request: every outcome is an object with `kind`.

/** What the server takes and what judges; null where it cannot be reached. */
export async function fetchStatus() {
  try {
    const response = await fetch("/api/model-status");
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

/**
 * Sends one picture.
 *
 * Returns { kind: "judged", answer } or { kind: "failed", code, message, answer },
 * or null where `signal` ended it.
 */
export async function judge(file, signal) {
  const form = new FormData();
  form.append("image", file, file.name || "picture");
  try {
    const response = await fetch("/api/predict?heatmap=true", { method: "POST", body: form, signal });
    const answer = await response.json();
    if (response.ok && answer.success) return { kind: "judged", answer };
    const { code, message } = answer.error;
    return { kind: "failed", code, message, answer };
  } catch {
    if (signal.aborted) return null;
    return { kind: "failed", code: "unreachable", message: "", answer: {} };
  }
}
