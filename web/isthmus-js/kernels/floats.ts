// Convolutions and single operations on planes of float32.

// @ts-ignore: decorator
@inline
function leaky(x: v128, slope: v128): v128 {
  return f32x4.max(x, f32x4.mul(x, slope));
}

/**
 * Sums of rows, each times a weight: out[m][i] = leaky(bias[m] + sum over k of weights[m][k] * rows[k][i] + added[m][i]).
 *
 * All convolutions are this, with the rows where their windows look.
 *
 * @param out f32 (outputs, ...), `outStride` bytes apart
 * @param outputs a multiple of 4
 * @param rows u32 (depth): where each row begins
 * @param shift bytes that are added to all of them
 * @param weights f32 (outputs / 4, depth, 4)
 * @param bias f32 (outputs)
 * @param length numbers of a row, at least 8
 * @param slope of the leaky rectifier; 1 for none
 * @param added f32, `addedStride` bytes apart, not where `out` is; 0 for none
 */
export function sums(
  out: usize, outStride: usize, outputs: i32, rows: usize, shift: usize, depth: i32, weights: usize, bias: usize,
  length: i32, slope: f32, added: usize, addedStride: usize,
): void {
  const slopes = f32x4.splat(slope);
  const stop = rows + ((<usize>depth) << 2);
  for (let i: i32 = 0; i < length; i += 8) {
    // The last eight numbers may overlap those before.
    const at = (<usize>min(i, length - 8)) << 2;
    const from = at + shift;
    let w = weights;
    let to = out + at;
    let plus = added + at;
    for (let m: i32 = 0; m < outputs; m += 4) {
      const b = bias + (m << 2);
      let s00 = v128.load32_splat(b), s10 = v128.load32_splat(b, 4);
      let s20 = v128.load32_splat(b, 8), s30 = v128.load32_splat(b, 12);
      let s01 = s00, s11 = s10, s21 = s20, s31 = s30;
      for (let k = rows; k < stop; k += 4) {
        const row = <usize>load<u32>(k) + from;
        const x0 = v128.load(row), x1 = v128.load(row, 16);
        const w0 = v128.load32_splat(w);
        s00 = madd(w0, x0, s00);
        s01 = madd(w0, x1, s01);
        const w1 = v128.load32_splat(w, 4);
        s10 = madd(w1, x0, s10);
        s11 = madd(w1, x1, s11);
        const w2 = v128.load32_splat(w, 8);
        s20 = madd(w2, x0, s20);
        s21 = madd(w2, x1, s21);
        const w3 = v128.load32_splat(w, 12);
        s30 = madd(w3, x0, s30);
        s31 = madd(w3, x1, s31);
        w += 16;
      }
      if (added) {
        s00 = f32x4.add(s00, v128.load(plus));
        s01 = f32x4.add(s01, v128.load(plus, 16));
        plus += addedStride;
        s10 = f32x4.add(s10, v128.load(plus));
        s11 = f32x4.add(s11, v128.load(plus, 16));
        plus += addedStride;
        s20 = f32x4.add(s20, v128.load(plus));
        s21 = f32x4.add(s21, v128.load(plus, 16));
        plus += addedStride;
        s30 = f32x4.add(s30, v128.load(plus));
        s31 = f32x4.add(s31, v128.load(plus, 16));
        plus += addedStride;
      }
      v128.store(to, leaky(s00, slopes));
      v128.store(to, leaky(s01, slopes), 16);
      to += outStride;
      v128.store(to, leaky(s10, slopes));
      v128.store(to, leaky(s11, slopes), 16);
      to += outStride;
      v128.store(to, leaky(s20, slopes));
      v128.store(to, leaky(s21, slopes), 16);
      to += outStride;
      v128.store(to, leaky(s30, slopes));
      v128.store(to, leaky(s31, slopes), 16);
      to += outStride;
    }
  }
}

// @ts-ignore: decorator
@inline
function madd(a: v128, b: v128, c: v128): v128 {
  if (isDefined(RELAXED)) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(c, f32x4.mul(a, b));
}

/** out[i] = leaky(bias + sum over k of weights[k] * rows[k][i] + added[i]): one output of `sums`, for depthwise windows. */
export function sum(
  out: usize, rows: usize, shift: usize, depth: i32, weights: usize, bias: f32, length: i32, slope: f32, added: usize,
): void {
  const slopes = f32x4.splat(slope);
  for (let i: i32 = 0; i < length; i += 4) {
    const at = (<usize>min(i, length - 4)) << 2;
    let s = f32x4.splat(bias);
    for (let k: i32 = 0; k < depth; k++) {
      s = madd(v128.load32_splat(weights + (k << 2)), v128.load(<usize>load<u32>(rows + (k << 2)) + shift + at), s);
    }
    if (added) s = f32x4.add(s, v128.load(added + at));
    v128.store(out + at, leaky(s, slopes));
  }
}

// Operations of `binary`, by number.
const ADD = 0, SUB = 1, MUL = 2;

// @ts-ignore: decorator
@inline
function apply(operation: i32, a: f32, b: f32): f32 {
  if (operation == ADD) return a + b;
  if (operation == SUB) return a - b;
  if (operation == MUL) return a * b;
  return a / b;
}

/** out[i] = a[i] op b[i], numbers of f32; a step of 0 takes the same number of a or b each time. */
export function binary(operation: i32, out: usize, a: usize, aStep: usize, b: usize, bStep: usize, length: i32): void {
  let i: i32 = 0;
  for (; i + 4 <= length; i += 4) {
    const x = aStep ? v128.load(a) : v128.load32_splat(a);
    const y = bStep ? v128.load(b) : v128.load32_splat(b);
    let z: v128;
    if (operation == ADD) z = f32x4.add(x, y);
    else if (operation == SUB) z = f32x4.sub(x, y);
    else if (operation == MUL) z = f32x4.mul(x, y);
    else z = f32x4.div(x, y);
    v128.store(out, z);
    out += 16;
    a += aStep << 2;
    b += bStep << 2;
  }
  for (; i < length; i++) {
    store<f32>(out, apply(operation, load<f32>(a), load<f32>(b)));
    out += 4;
    a += aStep;
    b += bStep;
  }
}

// Operations of `unary`, by number.
const ABS = 0, SIGN = 1, FLOOR = 2;

/** out[i] = op x[i], numbers of f32; anything but those above is the natural logarithm. */
export function unary(operation: i32, out: usize, x: usize, length: i32): void {
  for (let i: i32 = 0; i < length; i++) {
    const value = load<f32>(x + (i << 2));
    let found: f32;
    if (operation == ABS) found = abs<f32>(value);
    else if (operation == SIGN) found = value > 0 ? 1 : value < 0 ? -1 : 0;
    else if (operation == FLOOR) found = floor<f32>(value);
    else found = Mathf.log(value);
    store<f32>(out + (i << 2), found);
  }
}

/** out[c][r] = x[r][c], numbers of f32. */
export function transpose(out: usize, x: usize, rows: i32, columns: i32): void {
  const step = (<usize>rows) << 2;
  for (let r: i32 = 0; r < rows; r++) {
    let to = out + (r << 2);
    for (let c: i32 = 0; c < columns; c++) {
      store<f32>(to, load<f32>(x));
      x += 4;
      to += step;
    }
  }
}

/** Copies numbers of f32 from places `xStep` bytes apart to such `outStep` bytes apart. */
export function spread(out: usize, outStep: usize, x: usize, xStep: usize, length: i32): void {
  for (let i: i32 = 0; i < length; i++) {
    store<f32>(out, load<f32>(x));
    out += outStep;
    x += xStep;
  }
}

/** Planes of f32, `stride` bytes apart, as u8 (length, channels): within limits, rounded down. */
export function pixels(out: usize, x: usize, channels: i32, stride: usize, low: f32, high: f32, length: i32): void {
  for (let i: i32 = 0; i < length; i++) {
    let from = x + (i << 2);
    for (let c: i32 = 0; c < channels; c++) {
      store<u8>(out, <u8><i32>floor<f32>(min<f32>(max<f32>(load<f32>(from), low), high)));
      out++;
      from += stride;
    }
  }
}
