/** The model file (`.isthmodel`): a model's arrays and metadata in the safetensors format. docs/format.md lists them. */

import { view } from "./bytes.js";
import { ModelError } from "./errors.js";
import { DC_CHANNELS } from "./formats.js";

/** @typedef {Float32Array | Int32Array | Int16Array | Int8Array | Uint8Array} Numbers */
/** @typedef {{numbers: Numbers, shape: number[]}} Stored an array as it is stored */

/**
 * @typedef {object} ModelFile
 * @property {string} name for people
 * @property {number[]} groups channels coded together, in order
 * @property {number} points quality points
 * @property {(name: string, kind: keyof typeof KINDS, shape: (number | undefined)[]) => Numbers} array one of its
 *   arrays; throws ModelError unless it is there, of this kind and shape
 * @property {string[]} names of its arrays
 * @property {(name: string, axes: number) => number[]} shapeOf the shape of one with so many axes; throws ModelError as well
 * @property {() => void} close throws ModelError if there are arrays that were not asked for
 */

const KINDS = { F32: Float32Array, I32: Int32Array, I16: Int16Array, I8: Int8Array, U8: Uint8Array };
const DEFINITION = "tuned-lattices-and-boards";
const WHAT = "the model file";

/**
 * @param {Uint8Array} bytes
 * @returns {ModelFile}
 */
export function readModelFile(bytes) {
  const { metadata, arrays } = opened(bytes);
  if (metadata.format !== 1) {
    const hint = metadata.format === 2 ? "It is a delta; Python's isthmus can merge it." : "Update isthmus to read it.";
    throw new ModelError(`${WHAT} has another format`, { expected: 1, got: metadata.format, hint });
  }
  const { groups, points } = metadata;
  if (!isShape(groups, points) || groups.length < 2 || groups[0] !== DC_CHANNELS) {
    throw new ModelError(`${WHAT} lacks its shape`, { expected: "groups and points", got: `${groups}, ${points}` });
  }
  const found = [metadata.medium ?? 1, metadata.coder ?? 1, metadata.definition, metadata.numbers].join(", ");
  const expected = [1, 2, DEFINITION, "bytes"].join(", ");
  if (found !== expected) {
    throw new ModelError(`${WHAT} is for another decoder`, { expected, got: found, hint: "Update isthmus." });
  }
  /** @type {Set<string>} */
  const asked = new Set();
  return {
    name: String(metadata.name),
    groups,
    points,
    names: [...arrays.keys()],
    shapeOf(name, axes) {
      const shape = arrays.get(name)?.shape;
      if (shape?.length !== axes) throw inconsistent(`${name} of ${axes} axes`, shape);
      return shape;
    },
    array(name, kind, shape) {
      const stored = arrays.get(name);
      const fits = stored?.shape.length === shape.length && shape.every((n, i) => (n ?? stored.shape[i]) === stored.shape[i]);
      if (!stored || !fits || !(stored.numbers instanceof KINDS[kind])) {
        throw inconsistent(`${name} ${kind} (${shape})`, stored?.shape);
      }
      asked.add(name);
      return stored.numbers;
    },
    close() {
      const unknown = [...arrays.keys()].filter((name) => !asked.has(name));
      if (!unknown.length) return;
      const got = unknown.slice(0, 9).join(", ");
      throw new ModelError(`${WHAT} has arrays that are unknown`, { expected: "none", got, hint: "Update isthmus to read it." });
    },
  };
}

/** @param {string} expected @param {number[] | undefined} shape of what there is */
function inconsistent(expected, shape) {
  return new ModelError(`${WHAT} is inconsistent`, { expected, got: shape ?? "nothing" });
}

/**
 * @param {unknown} groups
 * @param {unknown} points
 */
function isShape(groups, points) {
  const fits = (/** @type {unknown} */ n, /** @type {number} */ low, /** @type {number} */ high) =>
    Number.isInteger(n) && Number(n) >= low && Number(n) <= high;
  return Array.isArray(groups) && groups.every((n) => fits(n, 1, 4095)) && fits(points, 2, 256);
}

/**
 * @param {Uint8Array} bytes
 * @returns {{metadata: Record<string, any>, arrays: Map<string, Stored>}}
 */
function opened(bytes) {
  try {
    const length = Number(view(bytes).getBigUint64(0, true));
    const { __metadata__: metadata, ...entries } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    const body = bytes.subarray(8 + length);
    /** @type {Map<string, Stored>} */
    const arrays = new Map();
    let end = 0;
    // One after the other, from the first byte to the last, as safetensors wants them: a few bytes cannot be many arrays.
    for (const [name, { dtype, shape, data_offsets: place }] of Object.entries(entries).sort(inPlace)) {
      const Kind = KINDS[/** @type {keyof typeof KINDS} */ (dtype)];
      if (!shape.every((/** @type {unknown} */ side) => Number.isInteger(side) && Number(side) >= 0)) {
        throw new RangeError(`${name} has sides ${shape}`);
      }
      const count = shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
      const begin = end;
      end += count * Kind.BYTES_PER_ELEMENT;
      if (place.length !== 2 || place[0] !== begin || place[1] !== end || end > body.length) {
        throw new RangeError(`${name} lies at ${place}, not at ${begin},${end} of ${body.length} bytes`);
      }
      // A copy, so that it begins where numbers may.
      arrays.set(name, { numbers: new Kind(new Uint8Array(body.subarray(begin, end)).buffer), shape });
    }
    if (end !== body.length) throw new RangeError(`arrays have ${end} of ${body.length} bytes`);
    return { metadata: JSON.parse(metadata.isthmus) ?? {}, arrays };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ModelError(`${WHAT} is none, or is cut off`, { expected: "an .isthmodel", got: error.message });
  }
}

/**
 * Of two arrays' names and entries, which comes first in the file.
 *
 * @param {[string, any]} a
 * @param {[string, any]} b
 */
function inPlace([, { data_offsets: a }], [, { data_offsets: b }]) {
  return a[0] - b[0] || a[1] - b[1];
}
