/** Runs exported networks: the operations that those of isthmus are made of, in float32. */

import { ModelError } from "./errors.js";
import { readGraph } from "./onnx.js";

/** @import { Heap } from "./heap.js" */
/** @import { Constant, Operation } from "./onnx.js" */

/**
 * @typedef {object} Tensor an array in the heap
 * @property {number[]} shape
 * @property {number} at where it begins
 * @property {Block} block what it lies in
 */
/** @typedef {{at: number, uses: number}} Block memory that is given back when nothing uses it any more */
/** @typedef {{weights: number, bias: Float32Array, depth: number, outputs: number, groups: number, window: number[]}} Packed */

/** Outputs that `sums` of the kernels makes at once, and the numbers at once of a row. */
const OUTPUTS = 4;
const LENGTH = 8;
const BINARY = ["Add", "Sub", "Mul", "Div"];
const UNARY = ["Abs", "Sign", "Floor", "Log"];
/** Other shapes for the same numbers. */
const SAME_NUMBERS = ["Unsqueeze", "Squeeze", "Cast", "Identity"];

/** @param {number[]} shape */
function countOf(shape) {
  return shape.reduce((a, b) => a * b, 1);
}

/**
 * An operation, and those after it that are done with it at once.
 *
 * @typedef {Operation & {slope?: number, addend?: string, packed?: Packed, limits?: number[]}} Step
 */

export class Network {
  /**
   * @param {Heap} heap
   * @param {Uint8Array} file
   */
  constructor(heap, file) {
    this.heap = heap;
    const graph = readGraph(file);
    this.outputs = graph.outputs;
    /** @type {Map<string, Constant>} */
    this.constants = graph.constants;
    /** @type {Operation[]} */
    const operations = [];
    for (const one of graph.operations) {
      if (one.kind === "Constant" && one.value) this.constants.set(one.outputs[0], one.value);
      else if (one.kind === "Cast" && this.constants.has(one.inputs[0])) {
        this.constants.set(one.outputs[0], /** @type {Constant} */ (this.constants.get(one.inputs[0])));
      } else operations.push(one);
    }
    this.steps = fused(operations, this.outputs, this.constants);
    for (const step of this.steps) if (step.kind === "Conv") step.packed = this.pack(step);
    /** @type {Map<string, number>} the last step that takes an array */
    this.last = new Map();
    this.steps.forEach((step, index) => {
      for (const name of [...step.inputs, ...(step.addend ? [step.addend] : [])]) this.last.set(name, index);
    });
    for (const name of this.outputs) this.last.set(name, this.steps.length);
  }

  /**
   * Its outputs for inputs by name; what inputs lie in is given back.
   *
   * @param {Record<string, Tensor>} inputs
   * @returns {Record<string, Tensor>}
   */
  run(inputs) {
    /** @type {Map<string, Tensor>} */
    const found = new Map(Object.entries(inputs));
    this.steps.forEach((step, index) => {
      found.set(step.outputs[0], this.step(step, found));
      for (const [name, tensor] of found) {
        if ((this.last.get(name) ?? -1) <= index) {
          this.release(tensor);
          found.delete(name);
        }
      }
    });
    return Object.fromEntries(this.outputs.map((name) => [name, /** @type {Tensor} */ (found.get(name))]));
  }

  /**
   * A new array, not cleared.
   *
   * @param {number[]} shape
   * @returns {Tensor}
   */
  make(shape) {
    const at = this.heap.take(4 * countOf(shape));
    return { shape, at, block: { at, uses: 1 } };
  }

  /** @param {Tensor} tensor */
  release(tensor) {
    tensor.block.uses--;
    if (!tensor.block.uses) this.heap.give(tensor.block.at);
  }

  /**
   * The same numbers in another shape.
   *
   * @param {Tensor} tensor
   * @param {number[]} shape
   * @returns {Tensor}
   */
  reshaped(tensor, shape) {
    tensor.block.uses++;
    return { ...tensor, shape };
  }

  /** @param {Tensor} tensor */
  numbers(tensor) {
    return this.heap.f32(tensor.at, countOf(tensor.shape));
  }

  /**
   * @param {Step} step
   * @param {Map<string, Tensor>} found
   * @returns {Tensor}
   */
  step(step, found) {
    const get = (/** @type {number} */ index) => {
      const tensor = found.get(step.inputs[index]);
      if (!tensor) throw new ModelError("the model's network", { expected: step.inputs[index], got: "nothing" });
      return tensor;
    };
    const constant = (/** @type {number} */ index) => this.constants.get(step.inputs[index]);
    const x = () => get(0);
    if (step.kind === "Conv") return this.conv(step, get(0), step.addend ? found.get(step.addend) : undefined);
    if (BINARY.includes(step.kind)) return this.binary(step, found);
    if (UNARY.includes(step.kind)) {
      const out = this.make(x().shape);
      this.heap.kernels.unary(UNARY.indexOf(step.kind), out.at, x().at, countOf(out.shape));
      return out;
    }
    if (SAME_NUMBERS.includes(step.kind)) {
      const axes = Array.from(constant(1)?.numbers ?? []);
      return this.reshaped(x(), step.kind === "Unsqueeze" ? unsqueezed(x().shape, axes) : x().shape);
    }
    if (step.kind === "Gather" && constant(1)?.numbers.length === 1 && x().shape[0] === 1) {
      return this.reshaped(x(), x().shape.slice(1));
    }
    if (step.kind === "Shape") return this.filled([x().shape.length], x().shape);
    if (step.kind === "ConstantOfShape") return this.filled(Array.from(this.numbers(x())), [step.value?.numbers[0] ?? 0]);
    if (step.kind === "Transpose") return this.transpose(x(), step.numbers.perm);
    if (step.kind === "Slice") return this.slice(x(), [1, 2, 3, 4].map((index) => Array.from(constant(index)?.numbers ?? [])));
    if (step.kind === "Concat") return this.concat(step.inputs.map((_, index) => get(index)), step.numbers.axis[0]);
    if (step.kind === "AveragePool") return this.averagePool(x(), step);
    if (step.kind === "MatMul") return this.matMul(x(), /** @type {Constant} */ (constant(1)));
    if (step.kind === "DepthToSpace") return this.depthToSpace(x(), step);
    if (step.kind === "Pixels") {
      const limits = step.inputs.slice(1).map((name) => this.constants.get(name)?.numbers[0] ?? NaN);
      return this.pixels(x(), limits);
    }
    throw new ModelError("the model's network has an operation that is unknown here", { got: step.kind });
  }

  /** @param {number[]} shape @param {number[]} values one, or all */
  filled(shape, values) {
    const out = this.make(shape);
    const numbers = this.numbers(out);
    if (values.length === 1) numbers.fill(values[0]);
    else numbers.set(values);
    return out;
  }

  /** @param {Step} step @param {Map<string, Tensor>} found */
  binary(step, found) {
    /** @type {Tensor[]} */
    const made = [];
    const [a, b] = step.inputs.map((name) => {
      const tensor = found.get(name);
      if (tensor) return tensor;
      const constant = this.constants.get(name);
      if (!constant) throw new ModelError("the model's network", { expected: name, got: "nothing" });
      const copy = this.filled(constant.shape, Array.from(constant.numbers));
      made.push(copy);
      return copy;
    });
    const out = this.make(broadcast(a.shape, b.shape));
    const size = countOf(out.shape);
    const kind = BINARY.indexOf(step.kind);
    const { kernels } = this.heap;
    const [na, nb] = [countOf(a.shape), countOf(b.shape)];
    if ((na === size || na === 1) && (nb === size || nb === 1)) {
      kernels.binary(kind, out.at, a.at, na === size ? 4 : 0, b.at, nb === size ? 4 : 0, size);
    } else if (na === size && out.shape.length === 4 && out.shape[0] === 1 && (b.shape[1] === nb || b.shape[1] === 1)) {
      // A number for each channel, or a plane for all of them.
      const plane = size / out.shape[1];
      const [next, step] = b.shape[1] === nb ? [4, 0] : [0, 4];
      for (let c = 0; c < out.shape[1]; c++) {
        kernels.binary(kind, out.at + 4 * c * plane, a.at + 4 * c * plane, 4, b.at + c * next, step, plane);
      }
    } else throw new ModelError("the model's network adds what does not fit", { got: `${a.shape} and ${b.shape}` });
    for (const copy of made) this.release(copy);
    return out;
  }

  /** @param {Tensor} x @param {number[]} order */
  transpose(x, order) {
    const out = this.make(order.map((axis) => x.shape[axis]));
    const [a, b, c] = x.shape;
    if (order.join() === "2,0,1") this.heap.kernels.transpose(out.at, x.at, a * b, c);
    else if (order.join() === "1,2,0") this.heap.kernels.transpose(out.at, x.at, a, b * c);
    else throw new ModelError("the model's network has another order of axes", { got: order });
    return out;
  }

  /** @param {Tensor} x @param {number[][]} where begins, ends, axes and steps */
  slice(x, [begins, ends, axes, steps]) {
    if (steps.some((step) => step !== 1)) throw new ModelError("the model's network slices with steps", { got: steps });
    const low = x.shape.map(() => 0);
    const high = [...x.shape];
    axes.forEach((given, index) => {
      const axis = given < 0 ? given + x.shape.length : given;
      const size = x.shape[axis];
      const inside = (/** @type {number} */ at) => Math.max(0, Math.min(size, at < 0 ? at + size : at));
      [low[axis], high[axis]] = [inside(begins[index]), inside(ends[index])];
    });
    const out = this.make(high.map((end, axis) => end - low[axis]));
    const [to, from] = [this.numbers(out), this.numbers(x)];
    const run = out.shape.at(-1) ?? 1;
    for (let at = 0; at < to.length; at += run) {
      let [rest, begin, stride] = [at / run, low[low.length - 1], x.shape.at(-1) ?? 1];
      for (let axis = x.shape.length - 2; axis >= 0; axis--) {
        begin += ((rest % out.shape[axis]) + low[axis]) * stride;
        rest = Math.floor(rest / out.shape[axis]);
        stride *= x.shape[axis];
      }
      to.set(from.subarray(begin, begin + run), at);
    }
    return out;
  }

  /** @param {Tensor[]} parts @param {number} axis */
  concat(parts, axis) {
    if (axis !== 1 || parts.some((part) => part.shape[0] !== 1)) throw new ModelError("the model's network joins other axes");
    const channels = parts.reduce((sum, part) => sum + part.shape[1], 0);
    const out = this.make([1, channels, ...parts[0].shape.slice(2)]);
    const to = this.numbers(out);
    let at = 0;
    for (const part of parts) {
      to.set(this.numbers(part), at);
      at += countOf(part.shape);
    }
    return out;
  }

  /** @param {Tensor} x @param {Step} step */
  averagePool(x, { numbers }) {
    const fits = [numbers.kernel_shape, numbers.pads, numbers.strides].map((list) => list?.join());
    if (fits.join(" ") !== "3,3 1,1,1,1 1,1" || numbers.count_include_pad?.[0] !== 1) {
      throw new ModelError("the model's network has other means", { got: fits });
    }
    const out = this.make(x.shape);
    const [height, width] = x.shape.slice(-2);
    const [to, from] = [this.numbers(out), this.numbers(x)];
    for (let plane = 0, p = 0; plane < to.length; plane += height * width) {
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++, p++) {
          let sum = 0;
          for (let y = Math.max(0, i - 1); y <= Math.min(height - 1, i + 1); y++) {
            for (let z = Math.max(0, j - 1); z <= Math.min(width - 1, j + 1); z++) sum += from[plane + y * width + z];
          }
          to[p] = sum / 9;
        }
      }
    }
    return out;
  }

  /** @param {Tensor} x (1, n) @param {Constant} matrix (n, m) */
  matMul(x, matrix) {
    const [rows, columns] = matrix.shape;
    const out = this.make([1, columns]);
    const [to, from] = [this.numbers(out).fill(0), this.numbers(x)];
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) to[c] += from[r] * matrix.numbers[r * columns + c];
    return out;
  }

  /** @param {Tensor} x @param {Step} step */
  depthToSpace(x, { numbers, mode }) {
    const side = numbers.blocksize[0];
    const [, deep, height, width] = x.shape;
    const channels = deep / (side * side);
    const out = this.make([1, channels, height * side, width * side]);
    for (let c = 0; c < channels; c++) {
      for (let y = 0; y < side; y++) {
        for (let z = 0; z < side; z++) {
          const from = mode === "CRD" ? (c * side + y) * side + z : (y * side + z) * channels + c;
          for (let i = 0; i < height; i++) {
            const to = out.at + 4 * (((c * height + i) * side + y) * width * side + z);
            this.heap.kernels.spread(to, 4 * side, x.at + 4 * (from * height + i) * width, 4, width);
          }
        }
      }
    }
    return out;
  }

  /** Planes (c, h, w) to bytes (h, w, c), of which four lie in the place of a number. @param {Tensor} x @param {number[]} limits */
  pixels(x, [low, high]) {
    const [channels, height, width] = x.shape;
    const out = this.make([height, width, channels]);
    const size = height * width;
    this.heap.kernels.pixels(out.at, x.at, channels, 4 * size, low, high, size);
    return out;
  }

  /**
   * The weights of a convolution as the kernels take them.
   *
   * @param {Step} step
   * @returns {Packed}
   */
  pack(step) {
    const weights = this.constants.get(step.inputs[1]);
    const bias = this.constants.get(step.inputs[2]);
    const { group = [1], dilations = [1, 1], pads = [0, 0, 0, 0], strides = [1, 1], kernel_shape: window } = step.numbers;
    if (!weights || !bias || dilations.some((one) => one !== 1)) throw unknownWindow(step);
    const [side] = window;
    const sliding = strides.every((one) => one === 1) && side % 2 === 1 && pads.every((one) => one === (side - 1) / 2);
    const blocks = strides.every((one) => one === side) && pads.every((one) => one === 0);
    if (window[1] !== side || !(sliding || blocks)) throw unknownWindow(step);
    const [outputs, inputs] = weights.shape;
    if (group[0] !== 1 && (!sliding || group[0] !== outputs || inputs !== 1)) throw unknownWindow(step);
    const depth = inputs * side * side;
    const shared = { bias: bias.numbers, depth, outputs, groups: group[0], window: blocks && side > 1 ? [side, side] : [side, 1] };
    if (group[0] !== 1) return { ...shared, weights: this.heap.keep(weights.numbers) };
    return { ...shared, weights: this.heap.keep(packedRows(weights.numbers, outputs, depth)) };
  }

  /**
   * @param {Step} step
   * @param {Tensor} x (1, c, h, w)
   * @param {Tensor | undefined} addend
   * @returns {Tensor}
   */
  conv(step, x, addend) {
    const { heap } = this;
    const packed = /** @type {Packed} */ (step.packed);
    const { outputs, groups } = packed;
    const [side, stride] = packed.window;
    const [, channels, height, width] = x.shape;
    const shape = [1, outputs, height / stride, width / stride];
    const filled = Math.ceil(outputs / OUTPUTS) * OUTPUTS;
    // Filled up, as the kernels write whole groups.
    const at = heap.take(4 * filled * shape[2] * shape[3]);
    const out = { shape, at, block: { at, uses: 1 } };
    const bias = new Float32Array(filled);
    bias.set(packed.bias);
    let added = addend;
    if (addend && addend.shape[1] === outputs && countOf(addend.shape) === outputs) {
      this.numbers(addend).forEach((value, k) => {
        bias[k] += value;
      });
      added = undefined;
    }
    if (added && added.shape.join() !== shape.join()) throw unknownWindow(step);
    heap.with((take) => {
      const biases = take(4 * filled);
      heap.f32(biases, filled).set(bias);
      const work = { out, added, slope: step.slope ?? 1, biases, take };
      if (side === 1) this.overPlanes(packed, x, work);
      else if (stride > 1) this.overBlocks(packed, x, work);
      else this.overWindows(packed, x, channels, groups, work);
    });
    return out;
  }

  /**
   * @typedef {{out: Tensor, added: Tensor | undefined, slope: number, biases: number, take: (bytes: number) => number}} Work
   */

  /**
   * @param {Packed} packed
   * @param {Tensor} x
   * @param {Work} work
   */
  overPlanes(packed, x, work) {
    const size = countOf(x.shape.slice(-2));
    const rows = this.rowsAt(Array.from({ length: packed.depth }, (_, c) => x.at + 4 * c * size), work.take);
    this.sums(packed, rows, 0, 0, size, size, work);
  }

  /**
   * Windows that move by their own size.
   *
   * @param {Packed} packed
   * @param {Tensor} x
   * @param {Work} work
   */
  overBlocks(packed, x, work) {
    const [side] = packed.window;
    const [, channels, height, width] = x.shape;
    const [h, w] = [height / side, width / side];
    const begin = work.take(4 * height * width * channels);
    /** @type {number[]} */
    const rows = [];
    for (let c = 0; c < channels; c++) {
      for (let y = 0; y < side; y++) {
        for (let z = 0; z < side; z++) {
          const at = begin + 4 * rows.length * h * w;
          rows.push(at);
          for (let i = 0; i < h; i++) {
            const from = x.at + 4 * ((c * height + i * side + y) * width + z);
            this.heap.kernels.spread(at + 4 * i * w, 4, from, 4 * side, w);
          }
        }
      }
    }
    this.sums(packed, this.rowsAt(rows, work.take), 0, 0, h * w, h * w, work);
  }

  /**
   * Windows that move by 1, zeros beyond the edges.
   *
   * @param {Packed} packed
   * @param {Tensor} x
   * @param {number} channels
   * @param {number} groups
   * @param {Work} work
   */
  overWindows(packed, x, channels, groups, work) {
    const { heap } = this;
    const [side] = packed.window;
    const [height, width] = x.shape.slice(-2);
    const margin = (side - 1) / 2;
    const [tall, wide] = [height + 2 * margin, width + 2 * margin];
    const padded = work.take(4 * channels * tall * wide);
    const [to, from] = [heap.f32(padded, channels * tall * wide).fill(0), this.numbers(x)];
    for (let row = 0; row < channels * height; row++) {
      const at = (Math.floor(row / height) * tall + (row % height) + margin) * wide + margin;
      to.set(from.subarray(row * width, (row + 1) * width), at);
    }
    const window = Array.from({ length: side * side }, (_, t) => Math.floor(t / side) * wide + (t % side));
    const deep = groups === 1 ? channels : 1;
    const places = Array.from({ length: deep }, (_, c) => window.map((t) => padded + 4 * (c * tall * wide + t))).flat();
    const rows = this.rowsAt(places, work.take);
    for (let y = 0; y < height; y++) {
      if (groups === 1) this.sums(packed, rows, 4 * y * wide, 4 * y * width, width, height * width, work);
      else for (let c = 0; c < channels; c++) this.alone(packed, rows, c, 4 * (c * tall + y) * wide, y, work);
    }
  }

  /**
   * A row of a channel of a depthwise convolution.
   *
   * @param {Packed} packed
   * @param {number} rows
   * @param {number} channel
   * @param {number} shift
   * @param {number} y
   * @param {Work} work
   */
  alone({ weights, depth, bias }, rows, channel, shift, y, { out, added, slope, take }) {
    const [, , height, width] = out.shape;
    const at = 4 * (channel * height + y) * width;
    const { kernels } = this.heap;
    const [own, plus] = [weights + 4 * channel * depth, added ? added.at + at : 0];
    if (width >= OUTPUTS) kernels.sum(out.at + at, rows, shift, depth, own, bias[channel], width, slope, plus);
    else {
      const short = take(4 * OUTPUTS);
      kernels.sum(short, rows, shift, depth, own, bias[channel], OUTPUTS, slope, plus);
      this.heap.f32(out.at + at, width).set(this.heap.f32(short, width));
    }
  }

  /**
   * `sums` of the kernels for `length` numbers of each output, which lie `stride` numbers apart.
   *
   * @param {Packed} packed
   * @param {number} rows
   * @param {number} shift
   * @param {number} offset bytes into each output
   * @param {number} length
   * @param {number} stride
   * @param {Work} work
   */
  sums({ weights, depth, outputs }, rows, shift, offset, length, stride, { out, added, slope, biases, take }) {
    const { kernels } = this.heap;
    const filled = Math.ceil(outputs / OUTPUTS) * OUTPUTS;
    const plus = added ? added.at + offset : 0;
    const step = 4 * stride;
    if (length >= LENGTH) {
      kernels.sums(out.at + offset, step, filled, rows, shift, depth, weights, biases, length, slope, plus, step);
      return;
    }
    // The kernels write eight numbers at least.
    const short = take(4 * LENGTH * filled);
    kernels.sums(short, 4 * LENGTH, filled, rows, shift, depth, weights, biases, LENGTH, slope, plus, step);
    for (let k = 0; k < outputs; k++) {
      this.heap.f32(out.at + offset + k * step, length).set(this.heap.f32(short + 4 * LENGTH * k, length));
    }
  }

  /** @param {number[]} places @param {(bytes: number) => number} take */
  rowsAt(places, take) {
    const rows = take(4 * places.length);
    this.heap.u32(rows, places.length).set(places);
    return rows;
  }
}

/**
 * Weights (outputs, depth) as (outputs / 4, depth, 4), filled up with zeros.
 *
 * @param {Float32Array} weights
 * @param {number} outputs
 * @param {number} depth
 */
export function packedRows(weights, outputs, depth) {
  const packed = new Float32Array(Math.ceil(outputs / OUTPUTS) * OUTPUTS * depth);
  for (let m = 0; m < outputs; m++) {
    const block = Math.floor(m / OUTPUTS) * depth * OUTPUTS;
    for (let k = 0; k < depth; k++) packed[block + k * OUTPUTS + (m % OUTPUTS)] = weights[m * depth + k];
  }
  return packed;
}

/** @param {Step} step */
function unknownWindow(step) {
  return new ModelError("the model's network has a convolution that is unknown here", { got: JSON.stringify(step.numbers) });
}

/** @param {number[]} shape @param {number[]} axes */
function unsqueezed(shape, axes) {
  const out = [...shape];
  for (const axis of axes.map((one) => (one < 0 ? one + shape.length + axes.length : one)).sort((a, b) => a - b)) {
    out.splice(axis, 0, 1);
  }
  return out;
}

/** @param {number[]} a @param {number[]} b */
function broadcast(a, b) {
  const length = Math.max(a.length, b.length);
  const side = (/** @type {number[]} */ shape, /** @type {number} */ axis) => shape[axis - length + shape.length] ?? 1;
  return Array.from({ length }, (_, axis) => Math.max(side(a, axis), side(b, axis)));
}

/**
 * Steps of operations: convolutions take along a rectifier and a sum behind them, and bytes are made at once.
 *
 * @param {Operation[]} operations
 * @param {string[]} outputs
 * @param {Map<string, Constant>} constants
 * @returns {Step[]}
 */
function fused(operations, outputs, constants) {
  /** @type {Step[]} */
  const steps = [];
  /** @type {Map<string, Step>} what gives an array that only one other takes */
  const open = new Map();
  const takers = (/** @type {string} */ name) =>
    operations.filter((one) => one.inputs.includes(name)).length + (outputs.includes(name) ? 1 : 0);
  const join = (/** @type {Step} */ step, /** @type {Operation} */ one, /** @type {Partial<Step>} */ more) => {
    steps.splice(steps.indexOf(step), 1);
    open.delete(step.outputs[0]);
    add({ ...step, ...more, outputs: one.outputs });
  };
  const add = (/** @type {Step} */ step) => {
    steps.push(step);
    if (takers(step.outputs[0]) === 1 && !outputs.includes(step.outputs[0])) open.set(step.outputs[0], step);
  };
  for (const one of operations) {
    const [before] = one.inputs.map((name) => open.get(name)).filter((step) => step?.kind === "Conv" && !step.slope);
    const first = open.get(one.inputs[0]);
    if (one.kind === "LeakyRelu" && before) join(before, one, { slope: one.numbers.alpha[0] });
    else if (one.kind === "Add" && before && !before.addend && !one.inputs.some((name) => constants.has(name))) {
      join(before, one, { addend: one.inputs.find((name) => name !== before.outputs[0]) });
    } else if (one.kind === "Floor" && first?.kind === "Clip") join(first, one, { kind: "ClipFloor" });
    else if (one.kind === "Cast" && first?.kind === "ClipFloor") join(first, one, { kind: "Bytes" });
    else if (one.kind === "Transpose" && first?.kind === "Bytes" && one.numbers.perm.join() === "1,2,0") {
      join(first, one, { kind: "Pixels" });
    } else add({ ...one });
  }
  return steps;
}
