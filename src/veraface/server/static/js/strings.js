// Every word that a person reads on the page.

const megabytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MB`;

export const strings = {
  title: "Veraface",
  nav: { label: "Site", api: "API", skip: "Skip to the picture" },
  theme: { toLight: "Switch to the light theme", toDark: "Switch to the dark theme" },
  hero: {
    heading: "Is this face real?",
    lead: "Drop in a picture. See how likely its faces are fake, where the evidence lies, and when it is better left open.",
  },
  intake: {
    drop: "Drop a picture here",
    tap: "Choose a picture",
    or: "or paste it, or",
    choose: "choose a file",
    formats: "JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP, TIFF",
    upTo: (bytes) => `up to ${megabytes(bytes)}`,
    dropAnywhere: "Drop to judge this picture",
    onlyFirst: "Several files came in; only the first is judged.",
    notAFile: "That was a link, not a file. Save the picture first, then drop the file.",
  },
  privacy: {
    here: "Stays on this machine, in memory, for one request. Nothing is stored.",
    elsewhere: (host) => `Goes to ${host} only, is held in memory for one request, and is never stored.`,
  },
  caveat:
    "A verdict is a statistical judgement about faces, not proof. Never use it alone against a person. " +
    "It says nothing about who is shown, or about the rest of the picture.",
  judging: { heading: "Looking at the faces", detail: "This takes a moment." },
  unnamed: "Pasted picture",
  another: "Try another",
  again: "Try again",
  stage: {
    label: "Picture",
    alt: "The picture being judged",
    noPreview: "This browser cannot show this kind of file. It is judged all the same.",
    nothing: "There is nothing to show.",
    noPreviewFaces: "No preview in this browser. The boxes show where the faces are.",
    faces: "Faces in the picture",
    heatmap: "Evidence",
    heatmapLabel: "Strength of the evidence overlay",
    speaksReal: "speaks for real",
    speaksFake: "speaks for fake",
  },
  verdicts: {
    fake: {
      name: "Likely fake",
      short: "Fake",
      detail: "The evidence points to a generated or altered face.",
    },
    real: {
      name: "Likely real",
      short: "Real",
      detail: "Nothing found that points to a generated or altered face.",
    },
    uncertain: {
      name: "Cannot tell",
      short: "Cannot tell",
      detail: "The evidence is not clear enough to say either way.",
    },
    unjudged: { name: "Too small to judge", short: "Too small", detail: "" },
  },
  result: {
    label: "Result",
    probability: "Probability of fake",
    probabilityLabel: (percent) => `Probability of fake: ${percent}`,
    bandReal: "real",
    bandUncertain: "cannot tell",
    bandFake: "fake",
    bandText: (real, fake) => `Up to ${real} counts as real, ${fake} or more as fake. In between, Veraface does not decide.`,
    reasons: "What to know",
    facesHeading: (count) => `${count} faces`,
    face: (number) => `Face ${number}`,
    faceLabel: (number, verdict, percent) => `Face ${number}: ${verdict}${percent ? `, ${percent} fake` : ""}`,
    decisive: "Decides the verdict on the picture",
    details: "Details",
    rawScore: "Raw score",
    rawScoreHint: "1 real, 0 fake",
    picture: "Picture",
    pictureValue: (format, width, height) => `${format}, ${width} × ${height}`,
    faceSize: "Face",
    faceSizeValue: (width, height) => `${Math.round(width)} × ${Math.round(height)} px`,
    model: "Model",
    time: "Time",
    stages: { decode: "decode", faces: "find faces", model: "judge", total: "total" },
    milliseconds: (ms) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`,
    announce: (verdict, percent, faces) =>
      `${verdict}. Probability of fake ${percent}. ${faces === 1 ? "1 face" : `${faces} faces`} found.`,
  },
  // What the server's reasons mean for a person; a code without an entry shows the server's own words.
  reasons: {
    faces_disagree: "The faces do not all get the same verdict. Look at them one by one.",
    small_face: "The face is small, so there is less to go by.",
  },
  faults: {
    no_face: {
      name: "No face found",
      detail: "Veraface judges faces only. If there is a face, try a larger or sharper copy in which it is seen from the front.",
    },
    face_too_small: {
      name: "Faces too small",
      detail: "There are too few pixels to go by. Try the original picture instead of a thumbnail or a screenshot.",
    },
    unsupported_image: {
      name: "Not a picture we can read",
      detail: "Use a JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF file.",
    },
    unreadable_image: {
      name: "The file is damaged",
      detail: "It is cut off or corrupt. Download it again, or open it and save it anew.",
    },
    image_too_large: {
      name: "The picture is too large",
      detail: "Make it smaller and try again. Faces need no more than a few hundred pixels.",
      limit: (size, bytes) => `This file has ${megabytes(size)}; up to ${megabytes(bytes)} are taken.`,
    },
    unreachable: {
      name: "Server not reachable",
      detail: "Veraface does not answer. Check that it is still running, then try again.",
    },
    not_ready: { name: "Still warming up", detail: "The model is being loaded. Try again in a moment." },
    model_unavailable: {
      name: "No model",
      detail: "The server could not load its model, so nothing can be judged. Its log says why.",
    },
    other: { name: "Something went wrong", detail: "The picture could not be judged. Try again, or try another one." },
  },
  footer: {
    model: (name, version) => `${name} ${version}`,
    noModel: "model not loaded yet",
  },
};

/** Puts the words into the elements that ask for them: data-text="hero.heading", data-label="nav.label". */
export function fillIn(root) {
  const find = (path) => path.split(".").reduce((value, name) => value[name], strings);
  for (const node of root.querySelectorAll("[data-text]")) node.textContent = find(node.dataset.text);
  for (const node of root.querySelectorAll("[data-label]")) node.setAttribute("aria-label", find(node.dataset.label));
}
