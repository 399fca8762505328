// Why an image got no verdict: a code that languages/ has a message for.

export class Fault extends Error {
  /** @param details Values for the message: `server`, `host`, `message`, `size`, `most`. */
  constructor(code, details = {}) {
    super(code);
    this.code = code;
    this.details = details;
  }
}
