// What a pass of the entropy model does with many numbers: means and scales, and the order of symbols.

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

/** Puts symbols, i32, found as numbers from 0 on, at the places of `order`. */
export function put(found: usize, order: usize, count: i32, radius: i32, symbols: usize): void {
  for (let i: i32 = 0; i < count; i++) {
    store<i32>(symbols + (load<u32>(order + (i << 2)) << 2), load<i32>(found + (i << 2)) - radius);
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
