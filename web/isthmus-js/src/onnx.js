/** Networks as ONNX files: their operations and constants, read from the protocol buffer. Nothing is run here. */

import { view } from "./bytes.js";
import { ModelError } from "./errors.js";

/**
 * @typedef {object} Operation
 * @property {string} kind ONNX's name of it, as in "Conv"
 * @property {string[]} inputs names of arrays
 * @property {string[]} outputs
 * @property {Record<string, number[]>} numbers attributes that are numbers, or lists of them
 * @property {Constant | undefined} value attribute that is an array
 * @property {string} mode attribute that is text
 */

/** @typedef {{shape: number[], numbers: Float32Array}} Constant */
/** @typedef {{operations: Operation[], constants: Map<string, Constant>, outputs: string[]}} Graph */
/** @typedef {[number, number | Uint8Array]} Field a field's number and its value */

// Numbers of element types in onnx.proto.
const FLOAT = 1;
const INT64 = 7;
const HALF = 10;

/**
 * @param {Uint8Array} file
 * @returns {Graph}
 */
export function readGraph(file) {
  try {
    /** @type {Graph} */
    const graph = { operations: [], constants: new Map(), outputs: [] };
    for (const body of messages(file, 7)) {
      for (const node of messages(body, 1)) graph.operations.push(operation(node));
      for (const tensor of messages(body, 5)) graph.constants.set(text(tensor, 8), constant(tensor));
      for (const output of messages(body, 12)) graph.outputs.push(text(output, 1));
    }
    if (!graph.operations.length) throw new RangeError("it has no operations");
    return graph;
  } catch (error) {
    if (error instanceof RangeError) throw new ModelError("the model's network is no ONNX file", { got: error.message });
    throw error;
  }
}

/**
 * @param {Uint8Array} node
 * @returns {Operation}
 */
function operation(node) {
  /** @type {Operation} */
  const found = { kind: text(node, 4), inputs: texts(node, 1), outputs: texts(node, 2), numbers: {}, value: undefined, mode: "" };
  for (const attribute of messages(node, 5)) {
    const name = text(attribute, 1);
    const tensor = messages(attribute, 5)[0];
    if (tensor) found.value = constant(tensor);
    if (name === "mode") found.mode = text(attribute, 4);
    /** @type {number[]} */
    const numbers = [];
    for (const [number, value] of fields(attribute)) {
      if (number === 2 && value instanceof Uint8Array) numbers.push(view(value).getFloat32(0, true));
      // A list is written number by number, or packed into bytes.
      if (number === 3 || number === 8) numbers.push(...(value instanceof Uint8Array ? varints(value) : [value]));
    }
    found.numbers[name] = numbers;
  }
  return found;
}

/**
 * @param {Uint8Array} tensor
 * @returns {Constant}
 */
function constant(tensor) {
  /** @type {number[]} */
  const shape = [];
  /** @type {number[]} */
  const single = [];
  let [type, raw] = [0, new Uint8Array(0)];
  for (const [number, value] of fields(tensor)) {
    if (number === 1) shape.push(...(value instanceof Uint8Array ? varints(value) : [value]));
    else if (number === 2) type = Number(value);
    else if (number === 9 && value instanceof Uint8Array) raw = value.slice();
    else if (number === 4 && value instanceof Uint8Array) {
      for (let at = 0; at < value.length; at += 4) single.push(view(value).getFloat32(at, true));
    } else if (number === 7) single.push(...(value instanceof Uint8Array ? varints(value) : [value]));
  }
  const count = shape.reduce((a, b) => a * b, 1);
  const numbers = single.length ? Float32Array.from(single) : fromRaw(type, raw);
  if (numbers.length !== count) throw new RangeError(`an array of type ${type} has ${numbers.length} of ${count} numbers`);
  return { shape, numbers };
}

/**
 * @param {number} type
 * @param {Uint8Array} raw
 */
function fromRaw(type, raw) {
  const data = view(raw);
  if (type === FLOAT) return Float32Array.from({ length: raw.length / 4 }, (_, i) => data.getFloat32(4 * i, true));
  if (type === INT64) return Float32Array.from({ length: raw.length / 8 }, (_, i) => Number(data.getBigInt64(8 * i, true)));
  if (type === HALF) return Float32Array.from({ length: raw.length / 2 }, (_, i) => half(data.getUint16(2 * i, true)));
  throw new RangeError(`an array of type ${type}`);
}

/**
 * A number of 16 bits.
 *
 * @param {number} bits
 */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent ? sign * (1 + fraction / 1024) * 2 ** (exponent - 15) : sign * fraction * 2 ** -24;
}

/**
 * @param {Uint8Array} body
 * @param {number} wanted number of the field
 */
function messages(body, wanted) {
  /** @type {Uint8Array[]} */
  const found = [];
  for (const [number, value] of fields(body)) if (number === wanted && value instanceof Uint8Array) found.push(value);
  return found;
}

/** @param {Uint8Array} body @param {number} wanted */
function texts(body, wanted) {
  return messages(body, wanted).map((value) => new TextDecoder().decode(value));
}

/** @param {Uint8Array} body @param {number} wanted */
function text(body, wanted) {
  return texts(body, wanted)[0] ?? "";
}

/**
 * @param {Uint8Array} body
 * @returns {Generator<Field>}
 */
function* fields(body) {
  let at = 0;
  while (at < body.length) {
    let key, value;
    [key, at] = varint(body, at);
    const wire = key & 7;
    let length = wire === 1 ? 8 : 4;
    if (wire === 0 || wire === 2) [value, at] = varint(body, at);
    if (wire === 0) {
      yield [key >> 3, Number(value)];
      continue;
    }
    if (wire === 2) length = Number(value);
    else if (wire !== 1 && wire !== 5) throw new RangeError(`a field of type ${wire}`);
    if (at + length > body.length) throw new RangeError("it is cut off");
    yield [key >> 3, body.subarray(at, at + length)];
    at += length;
  }
}

/** @param {Uint8Array} body */
function varints(body) {
  const found = [];
  for (let at = 0; at < body.length; ) {
    let value;
    [value, at] = varint(body, at);
    found.push(value);
  }
  return found;
}

/**
 * [value, position after it]; negative numbers have 64 bits.
 *
 * @param {Uint8Array} body
 * @param {number} at
 * @returns {[number, number]}
 */
function varint(body, at) {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    if (at >= body.length) throw new RangeError("it is cut off");
    const byte = body[at++];
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return [Number(BigInt.asIntN(64, value)), at];
  }
}
