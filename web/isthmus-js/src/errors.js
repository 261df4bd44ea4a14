/**
 * Every error that is thrown on purpose, by the names of `isthmus.errors` in Python.
 *
 *     IsthmusError
 *     ├── BitstreamError          something is wrong with an .isth file
 *     │   ├── NotIsthmusError     it does not begin like one
 *     │   ├── TruncatedError      it ends too early
 *     │   ├── CorruptError        its bytes contradict themselves
 *     │   ├── TooNewError         it was written for a later version of isthmus
 *     │   └── UnknownModelError   it needs weights that are not to be had
 *     ├── LimitExceededError      it is larger than the limits allow (they can be raised)
 *     ├── InputError              an argument that cannot be used
 *     ├── ModelError              a model file that cannot be used
 *     └── MissingExtraError       something that is needed is missing here
 */

/** @typedef {{expected?: unknown, got?: unknown, hint?: string}} Details what should have been there, what was, what to do */

export class IsthmusError extends Error {
  /**
   * @param {string} what the problem, one clause
   * @param {Details} [details]
   */
  constructor(what, { expected, got, hint = "" } = {}) {
    const found = got === undefined ? "" : `${expected === undefined ? ":" : ","} got ${got}`;
    const message = what + (expected === undefined ? "" : `: expected ${expected}`) + found;
    super(hint ? `${message}. ${hint}` : message);
    this.name = new.target.name;
    this.what = what;
    this.expected = expected;
    this.got = got;
    this.hint = hint;
  }
}

export class BitstreamError extends IsthmusError {}
export class NotIsthmusError extends BitstreamError {}
export class TruncatedError extends BitstreamError {}
export class CorruptError extends BitstreamError {}
export class TooNewError extends BitstreamError {}
export class UnknownModelError extends BitstreamError {}
export class LimitExceededError extends IsthmusError {}
export class InputError extends IsthmusError {}
export class ModelError extends IsthmusError {}
export class MissingExtraError extends IsthmusError {}

const KINDS = {
  IsthmusError,
  BitstreamError,
  NotIsthmusError,
  TruncatedError,
  CorruptError,
  TooNewError,
  UnknownModelError,
  LimitExceededError,
  InputError,
  ModelError,
  MissingExtraError,
};

/**
 * An error as what passes between threads: only plain objects keep their fields there.
 *
 * @param {unknown} error
 */
export function packed(error) {
  if (!(error instanceof IsthmusError)) return { kind: "", what: String(error), details: {} };
  const { name, what, expected, got, hint } = error;
  const details = { hint, ...(expected === undefined ? {} : { expected: String(expected) }) };
  return { kind: name, what, details: got === undefined ? details : { ...details, got: String(got) } };
}

/**
 * What `packed` made of an error, as that error.
 *
 * @param {{kind: string, what: string, details: Details}} found
 */
export function unpacked({ kind, what, details }) {
  if (!(kind in KINDS)) return new Error(what);
  // Minified classes have other names; those that people see are the keys.
  const error = new KINDS[/** @type {keyof typeof KINDS} */ (kind)](what, details);
  error.name = kind;
  return error;
}
