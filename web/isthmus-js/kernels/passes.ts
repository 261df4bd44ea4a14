// What a pass of the entropy model does with many numbers: layers of 8-bit products in whole numbers, and the order of symbols.

const LOW: f32 = -128;
const HIGH: f32 = 127;

// What a layer does with its sums.
const LEAKY = 0; // activations, i16
const RESIDUAL = 1; // activations added to those at `residual`, i16
// Anything else leaves them as they are, f32.

// @ts-ignore: decorator
@inline
function finish(sums: v128, unit: usize, bias: usize, mode: i32, residual: usize, out: usize): void {
  // Every product and sum here is exact: docs/format.md, "Numbers of 8 bits".
  let x = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sums), v128.load(unit)), v128.load(bias));
  if (mode > RESIDUAL) {
    v128.store(out, x);
    return;
  }
  x = f32x4.max(x, f32x4.mul(x, f32x4.splat(0.125)));
  x = f32x4.nearest(f32x4.mul(x, f32x4.splat(8)));
  x = f32x4.max(f32x4.min(x, f32x4.splat(HIGH)), f32x4.splat(LOW));
  let whole = i32x4.trunc_sat_f32x4_s(x);
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
 * @param bias f32 (outputs)
 * @param mode what is made of the sums, above
 * @param residuals u32 for each position: where what is added lies, i16
 * @param outs u32 for each position: where the outputs go
 */
export function layer(
  rows: usize, count: i32, taps: usize, tapCount: i32, width: i32, weights: usize, outputs: i32,
  unit: usize, bias: usize, mode: i32, residuals: usize, outs: usize,
): void {
  const shift: usize = mode > RESIDUAL ? 2 : 1;
  const block = (<usize>tapCount * width) << 4; // bytes of the weights of 8 outputs
  for (let at: i32 = 0; at < count; at += 4) {
    // The last four positions may overlap those before: the same is written again, but a residual must not be in place.
    const r1 = min(at + 1, count - 1);
    const r2 = min(at + 2, count - 1);
    const r3 = min(at + 3, count - 1);
    const a0 = <usize>load<u32>(rows + (at << 2));
    const a1 = <usize>load<u32>(rows + (r1 << 2));
    const a2 = <usize>load<u32>(rows + (r2 << 2));
    const a3 = <usize>load<u32>(rows + (r3 << 2));
    let w = weights;
    for (let n: i32 = 0; n < outputs; n += 8) {
      let s00 = i32x4.splat(0), s01 = i32x4.splat(0), s10 = i32x4.splat(0), s11 = i32x4.splat(0);
      let s20 = i32x4.splat(0), s21 = i32x4.splat(0), s30 = i32x4.splat(0), s31 = i32x4.splat(0);
      for (let t: i32 = 0; t < tapCount; t++) {
        const offset = <usize>load<u32>(taps + (t << 2));
        let p = offset;
        const stop = offset + ((<usize>width) << 1);
        while (p < stop) {
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
      const u0 = unit + (n << 2), b0 = bias + (n << 2);
      const to = (<usize>n) << shift;
      const half = (<usize>4) << shift;
      const from = (<usize>n) << 1;
      for (let r: i32 = 0; r < 4; r++) {
        const place = r == 0 ? at : r == 1 ? r1 : r == 2 ? r2 : r3;
        const low = r == 0 ? s00 : r == 1 ? s10 : r == 2 ? s20 : s30;
        const high = r == 0 ? s01 : r == 1 ? s11 : r == 2 ? s21 : s31;
        const out = <usize>load<u32>(outs + (place << 2)) + to;
        const residual = mode == RESIDUAL ? <usize>load<u32>(residuals + (place << 2)) + from : 0;
        finish(low, u0, b0, mode, residual, out);
        finish(high, u0 + 16, b0 + 16, mode, residual + 8, out + half);
      }
    }
  }
}

/**
 * Means in sixteenths, i32, and scale indices, u8, both (count, channels), of a pass's network's outputs.
 *
 * @param x f32 (count, stride): means, then scales, in steps
 */
export function predictions(x: usize, count: i32, stride: i32, channels: i32, means: usize, scales: usize): void {
  for (let i: i32 = 0; i < count; i++) {
    const row = x + ((<usize>i * stride) << 2);
    for (let c: i32 = 0; c < channels; c++) {
      const at = <usize>(i * channels + c);
      store<i32>(means + (at << 2), <i32>Math.floor(<f64>load<f32>(row + (c << 2)) * 16 + 0.5));
      const scale = load<f32>(row + ((channels + c) << 2));
      store<u8>(scales + at, <u8>nearest<f32>(min<f32>(max<f32>(scale, 0), 63)));
    }
  }
}

/**
 * The order in which the symbols of a pass are coded: by scale index, then by channel, then by position.
 *
 * @param scales u8 (count, channels)
 * @param marks u8 (count)
 * @param skipped symbols of scale indices below are coded at marked positions only
 * @param order where it goes: u32, position * channels + channel
 * @param counts i32 (64): how many symbols each scale index has
 */
export function arrange(
  scales: usize, marks: usize, count: i32, channels: i32, skipped: i32, order: usize, counts: usize, begins: usize,
): void {
  memory.fill(counts, 0, 256);
  for (let p: i32 = 0; p < count; p++) {
    const all = load<u8>(marks + p) != 0;
    for (let c: i32 = 0; c < channels; c++) {
      const scale = <i32>load<u8>(scales + (p * channels + c));
      if (all || scale >= skipped) {
        const at = counts + (scale << 2);
        store<i32>(at, load<i32>(at) + 1);
      }
    }
  }
  let total: i32 = 0;
  for (let k: i32 = 0; k < 64; k++) {
    store<i32>(begins + (k << 2), total);
    total += load<i32>(counts + (k << 2));
  }
  for (let c: i32 = 0; c < channels; c++) {
    for (let p: i32 = 0; p < count; p++) {
      const at = p * channels + c;
      const scale = <i32>load<u8>(scales + at);
      if (load<u8>(marks + p) != 0 || scale >= skipped) {
        const begin = begins + (scale << 2);
        const place = load<i32>(begin);
        store<i32>(begin, place + 1);
        store<u32>(order + (place << 2), at);
      }
    }
  }
}

/** Adds symbols, i32, in steps to the means, i32, in sixteenths, at the places of `order`. */
export function add(symbols: usize, order: usize, count: i32, radius: i32, means: usize): void {
  for (let i: i32 = 0; i < count; i++) {
    const at = means + (load<u32>(order + (i << 2)) << 2);
    store<i32>(at, load<i32>(at) + ((load<i32>(symbols + (i << 2)) - radius) << 4));
  }
}

/**
 * Puts decoded latents of a pass, i32 (count, channels), where they belong, and their features where layers look for them.
 *
 * @param at u32 (count): positions
 * @param latents i32 (positions, latentStride), from the pass's first channel on
 * @param features i16 (positions, featureStride), from the group's first feature on; 0 for none
 * @param compand i16 (32769)
 */
export function place(
  decoded: usize, at: usize, count: i32, channels: i32, latents: usize, latentStride: i32,
  features: usize, featureStride: i32, compand: usize,
): void {
  for (let i: i32 = 0; i < count; i++) {
    const position = <usize>load<u32>(at + (i << 2));
    const from = decoded + ((<usize>i * channels) << 2);
    memory.copy(latents + ((position * latentStride) << 2), from, <usize>channels << 2);
    if (features == 0) continue;
    const to = features + ((position * featureStride) << 1);
    for (let c: i32 = 0; c < channels; c++) {
      const x = load<i32>(from + (c << 2));
      const negative = x < 0;
      const magnitude = negative ? -x : x;
      const companded = <i32>load<i16>(compand + (<usize>min<u32>(<u32>magnitude, 32768) << 1));
      store<i16>(to + (c << 1), <i16>(negative ? -companded : companded));
      store<i16>(to + ((channels + c) << 1), <i16>companded);
    }
  }
}
