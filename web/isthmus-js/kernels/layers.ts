// Layers of 8-bit products in whole numbers: those of the entropy model and of the synthesis.

const LOW: f32 = -128;
const HIGH: f32 = 127;

// What a layer makes of its sums, which are multiplied by `unit` after or before `bias` is added.
const LEAKY = 0; // activations in eighths, i16
const RESIDUAL = 1; // such activations added to those at `residual`, i16
const SUMS = 2; // f32
const ADDED = 3; // f32, added to what is there
const LEAKY_SUMS = 4; // f32, negative ones divided by 8
const RECTIFIED = 5; // whole numbers from 0 to 255, i16; `bias` is i32 and added first

// @ts-ignore: decorator
@inline
function limited(x: v128, low: f32, high: f32): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.max(f32x4.min(f32x4.nearest(x), f32x4.splat(high)), f32x4.splat(low)));
}

// @ts-ignore: decorator
@inline
function leaky(x: v128): v128 {
  return f32x4.max(x, f32x4.mul(x, f32x4.splat(0.125)));
}

// @ts-ignore: decorator
@inline
function finish(sums: v128, unit: usize, bias: usize, mode: i32, residual: usize, out: usize): void {
  if (mode == RECTIFIED) {
    const x = f32x4.mul(f32x4.convert_i32x4_s(i32x4.add(sums, v128.load(bias))), v128.load(unit));
    const whole = limited(x, 0, 255);
    v128.store64_lane(out, i16x8.narrow_i32x4_s(whole, whole), 0);
    return;
  }
  // In the entropy model every product and sum here is exact: docs/format.md, "Prediction".
  let x = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sums), v128.load(unit)), v128.load(bias));
  if (mode > RESIDUAL) {
    if (mode == ADDED) x = f32x4.add(x, v128.load(out));
    if (mode == LEAKY_SUMS) x = leaky(x);
    v128.store(out, x);
    return;
  }
  let whole = limited(f32x4.mul(leaky(x), f32x4.splat(8)), LOW, HIGH);
  if (mode == RESIDUAL) {
    whole = i32x4.add(whole, v128.load16x4_s(residual));
    whole = i32x4.max_s(i32x4.min_s(whole, i32x4.splat(127)), i32x4.splat(-128));
  }
  v128.store64_lane(out, i16x8.narrow_i32x4_s(whole, whole), 0);
}

/**
 * A layer at many positions.
 *
 * @param rows u32 for each position: where what enters begins
 * @param count positions
 * @param taps u32 offsets from there to each part that enters, i16
 * @param tapCount how many parts
 * @param width numbers of a part, a multiple of 2
 * @param weights i16 (outputs / 8, taps, width / 2, 8, 2)
 * @param outputs a multiple of 8
 * @param unit f32 (outputs)
 * @param bias f32 (outputs), or i32
 * @param mode what is made of the sums, above
 * @param residuals u32 for each position: where what is added lies, i16
 * @param outs u32 for each position: offsets from `out` to where its outputs go
 */
export function layer(
  rows: usize, count: i32, taps: usize, tapCount: i32, width: i32, weights: usize, outputs: i32,
  unit: usize, bias: usize, mode: i32, residuals: usize, outs: usize, out: usize,
): void {
  const shift: usize = mode > RESIDUAL && mode < RECTIFIED ? 2 : 1;
  const half = (<usize>4) << shift;
  for (let at: i32 = 0; at < count; at += 4) {
    // What lacks of the last four positions is computed with them, and not kept.
    const there = min(4, count - at);
    const r = rows + (at << 2);
    const last = (there - 1) << 2;
    const a0 = <usize>load<u32>(r);
    const a1 = <usize>load<u32>(r + min(4, last));
    const a2 = <usize>load<u32>(r + min(8, last));
    const a3 = <usize>load<u32>(r + last);
    let w = weights;
    for (let n: i32 = 0; n < outputs; n += 8) {
      let s00 = i32x4.splat(0), s01 = i32x4.splat(0), s10 = i32x4.splat(0), s11 = i32x4.splat(0);
      let s20 = i32x4.splat(0), s21 = i32x4.splat(0), s30 = i32x4.splat(0), s31 = i32x4.splat(0);
      for (let t: i32 = 0; t < tapCount; t++) {
        let p = <usize>load<u32>(taps + (t << 2));
        const stop = p + ((<usize>width) << 1);
        while (p != stop) {
          const w0 = v128.load(w), w1 = v128.load(w, 16);
          w += 32;
          const x0 = v128.load32_splat(a0 + p);
          s00 = i32x4.add(s00, i32x4.dot_i16x8_s(x0, w0));
          s01 = i32x4.add(s01, i32x4.dot_i16x8_s(x0, w1));
          const x1 = v128.load32_splat(a1 + p);
          s10 = i32x4.add(s10, i32x4.dot_i16x8_s(x1, w0));
          s11 = i32x4.add(s11, i32x4.dot_i16x8_s(x1, w1));
          const x2 = v128.load32_splat(a2 + p);
          s20 = i32x4.add(s20, i32x4.dot_i16x8_s(x2, w0));
          s21 = i32x4.add(s21, i32x4.dot_i16x8_s(x2, w1));
          const x3 = v128.load32_splat(a3 + p);
          s30 = i32x4.add(s30, i32x4.dot_i16x8_s(x3, w0));
          s31 = i32x4.add(s31, i32x4.dot_i16x8_s(x3, w1));
          p += 4;
        }
      }
      const u = unit + (n << 2), b = bias + (n << 2);
      const to = out + ((<usize>n) << shift);
      const from = (<usize>n) << 1;
      for (let k: i32 = 0; k < there; k++) {
        const low = k == 0 ? s00 : k == 1 ? s10 : k == 2 ? s20 : s30;
        const high = k == 0 ? s01 : k == 1 ? s11 : k == 2 ? s21 : s31;
        const place = (at + k) << 2;
        const o = to + <usize>load<u32>(outs + place);
        const residual = mode == RESIDUAL ? <usize>load<u32>(residuals + place) + from : 0;
        finish(low, u, b, mode, residual, o);
        finish(high, u + 16, b + 16, mode, residual + 8, o + half);
      }
    }
  }
}

/**
 * A row of a layer that looks around in each channel for itself: rounded to whole steps and added.
 *
 * @param out f32 (count, channels)
 * @param x i16: where the first window begins, of rows `rowBytes` apart of positions with so many channels
 * @param channels a multiple of 4
 * @param weights i16 (9, channels)
 * @param unit f32 (channels)
 * @param bias i32 (channels)
 * @param step of what is added
 */
export function depthwise(
  out: usize, x: usize, count: i32, channels: i32, rowBytes: usize, weights: usize, unit: usize, bias: usize, step: f32,
): void {
  const position = (<usize>channels) << 1;
  for (let i: i32 = 0; i < count; i++) {
    for (let c: i32 = 0; c < channels; c += 4) {
      const at = (<usize>c) << 1;
      let sums = v128.load(bias + (c << 2));
      let w = weights + at;
      let row = x + at;
      for (let y: i32 = 0; y < 3; y++) {
        for (let z: i32 = 0; z < 3; z++) {
          const products = i32x4.mul(v128.load16x4_s(row + <usize>z * position), v128.load16x4_s(w));
          sums = i32x4.add(sums, products);
          w += position;
        }
        row += rowBytes;
      }
      const whole = limited(f32x4.mul(f32x4.convert_i32x4_s(sums), v128.load(unit + (c << 2))), LOW, HIGH);
      const added = f32x4.mul(f32x4.convert_i32x4_s(whole), f32x4.splat(step));
      v128.store(out, f32x4.add(v128.load(out), added));
      out += 16;
    }
    x += position;
  }
}

/** Numbers of f32, a multiple of 8, in whole steps: i16 from -128 to 127. */
export function whole(out: usize, x: usize, count: i32, step: f32): void {
  const steps = f32x4.splat(step);
  for (let i: i32 = 0; i < count; i += 8) {
    const low = limited(f32x4.div(v128.load(x), steps), LOW, HIGH);
    const high = limited(f32x4.div(v128.load(x, 16), steps), LOW, HIGH);
    v128.store(out, i16x8.narrow_i32x4_s(low, high));
    x += 32;
    out += 16;
  }
}
