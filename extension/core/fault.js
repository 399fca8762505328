// Why a picture got no verdict, by a name that languages/ has words for.

export class Fault extends Error {
  /** @param details What goes into the words: `server`, `host`, `message`, `size`, `most`. */
  constructor(code, details = {}) {
    super(code);
    this.code = code;
    this.details = details;
  }
}
