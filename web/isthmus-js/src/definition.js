/** The networks of the entropy model as data, after `isthmus.coding.kinds`: passes in coding order, and their layers. */

/** Ever finer lattices, then two halves: which pass of a group codes which position. */
const LATTICES = [
  [0, 4, 2, 4],
  [4, 3, 4, 3],
  [2, 4, 1, 4],
  [4, 3, 4, 3],
];
const CHECKERBOARD = [
  [0, 1],
  [1, 0],
];

/** Positions that the first group sees around each. */
export const NEAR = 25;

/**
 * @typedef {object} Layer
 * @property {string} name of its bias and exponents
 * @property {string[]} parts names of its matrices, whose rows follow each other
 * @property {number[]} rows of each
 * @property {number} taps positions that enter
 * @property {number} outputs
 */

/**
 * @typedef {object} Pass latents that are coded at once
 * @property {string} name
 * @property {number} group
 * @property {number} first channel
 * @property {number} channels
 * @property {number[][]} board
 * @property {number} phase
 * @property {boolean} last whether the group ends with it
 * @property {boolean} neighbours whether it sees the latents of its own group around each position
 * @property {number} features that enter at a position
 * @property {number} width outputs of every layer but the last
 * @property {Layer[]} layers
 */

/**
 * @param {number[]} groups
 * @param {number} latticeWidth width of the networks of the first group
 * @param {number} width of the others
 * @returns {Pass[]}
 */
export function passesOf(groups, latticeWidth, width) {
  /** @type {Pass[]} */
  const passes = [];
  const n = groups[0];
  for (let phase = 0; phase < 5; phase++) {
    passes.push({
      name: `dc.${phase}`,
      group: 0,
      first: 0,
      channels: n,
      board: LATTICES,
      phase,
      last: phase === 4,
      neighbours: true,
      features: NEAR * (n + 1),
      width: latticeWidth,
      layers: [
        layer("first", ["first"], [NEAR * (n + 1)], 1, latticeWidth),
        layer("second", ["second"], [latticeWidth], 1, latticeWidth),
        layer("last", ["last"], [latticeWidth], 1, 2 * n),
      ],
    });
  }
  let first = n;
  for (let group = 1; group < groups.length; group++) {
    const channels = groups[group];
    for (let phase = 0; phase < 2; phase++) {
      const inputs = phase ? [2 * first, 2 * channels] : [2 * first];
      passes.push({
        name: `ac.${group}.${phase}`,
        group,
        first,
        channels,
        board: CHECKERBOARD,
        phase,
        last: phase === 1,
        neighbours: false,
        features: inputs.reduce((a, b) => a + b),
        width,
        layers: [
          layer("project", ["known", "half"].slice(0, inputs.length), inputs, 1, width),
          layer("spatial", ["spatial"], [9 * width], 9, width),
          layer("mix", ["mix"], [width], 1, width),
          layer("last", ["last"], [width], 1, 2 * channels),
        ],
      });
    }
    first += channels;
  }
  return passes;
}

/**
 * @param {string} name
 * @param {string[]} parts
 * @param {number[]} rows
 * @param {number} taps
 * @param {number} outputs
 * @returns {Layer}
 */
function layer(name, parts, rows, taps, outputs) {
  return { name, parts, rows, taps, outputs };
}

/**
 * The pass of its group that codes a position.
 *
 * @param {number[][]} board
 * @param {number} row
 * @param {number} column
 */
export function phaseAt(board, row, column) {
  return board[row % board.length][column % board[0].length];
}
