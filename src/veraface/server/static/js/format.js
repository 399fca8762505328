// Numbers as people read them.

/** .93 -> "93%". Never "0%" or "100%": no model is that sure. */
export function percent(probability) {
  if (probability < 0.01) return "<1%";
  if (probability > 0.99) return ">99%";
  return `${Math.round(probability * 100)}%`;
}

/** The name of the verdict's words and colours: a face without a probability is "unjudged". */
export function verdictOf(face) {
  return face.p_fake === null ? "unjudged" : face.verdict;
}
