// Sums of products in float32, and what is made of their planes.

// @ts-ignore: decorator
@inline
function madd(a: v128, b: v128, c: v128): v128 {
  if (isDefined(RELAXED)) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(c, f32x4.mul(a, b));
}

/**
 * Sums of rows, each times a weight: out[m][i] = sum over k of weights[m][k] * rows[k][i].
 *
 * @param out f32 (outputs, ...), `outStride` bytes apart
 * @param outputs a multiple of 4
 * @param rows u32 (depth): where each row begins
 * @param weights f32 (outputs / 4, depth, 4)
 * @param length numbers of a row, at least 8
 */
export function sums(
  out: usize, outStride: usize, outputs: i32, rows: usize, depth: i32, weights: usize, length: i32,
): void {
  const stop = rows + ((<usize>depth) << 2);
  for (let i: i32 = 0; i < length; i += 8) {
    // The last eight numbers may overlap those before.
    const at = (<usize>min(i, length - 8)) << 2;
    let w = weights;
    let to = out + at;
    for (let m: i32 = 0; m < outputs; m += 4) {
      let s00 = f32x4.splat(0), s01 = f32x4.splat(0), s10 = f32x4.splat(0), s11 = f32x4.splat(0);
      let s20 = f32x4.splat(0), s21 = f32x4.splat(0), s30 = f32x4.splat(0), s31 = f32x4.splat(0);
      for (let k = rows; k < stop; k += 4) {
        const row = <usize>load<u32>(k) + at;
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
      v128.store(to, s00);
      v128.store(to, s01, 16);
      to += outStride;
      v128.store(to, s10);
      v128.store(to, s11, 16);
      to += outStride;
      v128.store(to, s20);
      v128.store(to, s21, 16);
      to += outStride;
      v128.store(to, s30);
      v128.store(to, s31, 16);
      to += outStride;
    }
  }
}

/**
 * Products over channels at positions next to each other: out[p][m] += bias[m] + sum over t, k of weights[t][k][m] * x[p][t][k].
 *
 * @param out f32 (count, outputs), `outStep` bytes apart
 * @param x f32 (count, taps, width): positions `xStep` bytes apart, taps `tapStep`
 * @param weights f32 (outputs / 4, taps, width, 4)
 * @param outputs a multiple of 4
 * @param bias f32 (outputs)
 */
export function products(
  out: usize, outStep: usize, x: usize, xStep: usize, count: i32, tapStep: usize, taps: i32, width: i32, weights: usize,
  outputs: i32, bias: usize,
): void {
  for (let at: i32 = 0; at < count; at += 4) {
    // What lacks of the last four positions is computed with them, and not kept.
    const last = count - 1 - at;
    const step1 = <usize>min(1, last), step2 = <usize>min(2, last), step3 = <usize>min(3, last);
    let w = weights;
    for (let m: i32 = 0; m < outputs; m += 4) {
      let s0 = v128.load(bias + (m << 2));
      let s1 = s0, s2 = s0, s3 = s0;
      for (let t: i32 = 0; t < taps; t++) {
        let a0 = x + <usize>t * tapStep;
        let a1 = a0 + step1 * xStep, a2 = a0 + step2 * xStep, a3 = a0 + step3 * xStep;
        const stop = w + ((<usize>width) << 4);
        for (; w != stop; w += 16) {
          const own = v128.load(w);
          s0 = madd(v128.load32_splat(a0), own, s0);
          s1 = madd(v128.load32_splat(a1), own, s1);
          s2 = madd(v128.load32_splat(a2), own, s2);
          s3 = madd(v128.load32_splat(a3), own, s3);
          a0 += 4;
          a1 += 4;
          a2 += 4;
          a3 += 4;
        }
      }
      let to = out + (m << 2);
      v128.store(to, f32x4.add(v128.load(to), s0));
      to += outStep;
      if (last > 0) v128.store(to, f32x4.add(v128.load(to), s1));
      to += outStep;
      if (last > 1) v128.store(to, f32x4.add(v128.load(to), s2));
      to += outStep;
      if (last > 2) v128.store(to, f32x4.add(v128.load(to), s3));
    }
    x += xStep << 2;
    out += outStep << 2;
  }
}

/** Copies rows of f32, `xLine` bytes apart, to numbers `step` bytes apart in rows `line` bytes apart. */
export function spread(out: usize, line: usize, step: usize, x: usize, xLine: usize, rows: i32, columns: i32): void {
  for (let i: i32 = 0; i < rows; i++) {
    let to = out;
    for (let j: i32 = 0; j < columns; j++) {
      store<f32>(to, load<f32>(x + (j << 2)));
      to += step;
    }
    out += line;
    x += xLine;
  }
}

/** Samples about 0, f32 in so large units, a multiple of 4, as pixels, u8. */
export function levels(out: usize, x: usize, unit: f32, count: i32): void {
  const units = f32x4.splat(unit);
  for (let i: i32 = 0; i < count; i += 4) {
    const level = f32x4.add(f32x4.mul(v128.load(x), units), f32x4.splat(128.5));
    const whole = i32x4.trunc_sat_f32x4_s(f32x4.max(f32x4.min(level, f32x4.splat(255)), f32x4.splat(0)));
    const pairs = i16x8.narrow_i32x4_s(whole, whole);
    v128.store32_lane(out, i8x16.narrow_i16x8_u(pairs, pairs), 0);
    x += 16;
    out += 4;
  }
}
