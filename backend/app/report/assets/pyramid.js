/* The least and the greatest of any stretch of a long column, without walking over it. */

const STONES = 16; // of a level under one of the next

class Pyramid {
  constructor(values) {
    this.low = [values];
    this.high = [values];
    while (this.low.at(-1).length > STONES) {
      this.low.push(nextLevel(this.low.at(-1), Math.min, Infinity));
      this.high.push(nextLevel(this.high.at(-1), Math.max, -Infinity));
    }
  }

  least(from, to) {
    return reach(this.low, from, to, Math.min, Infinity);
  }

  greatest(from, to) {
    return reach(this.high, from, to, Math.max, -Infinity);
  }
}

/* What is missing (NaN) counts for nothing. */
function nextLevel(values, better, none) {
  const above = new Float64Array(Math.ceil(values.length / STONES));
  for (let i = 0; i < above.length; i++) {
    above[i] = walk(values, i * STONES, Math.min((i + 1) * STONES, values.length), better, none);
  }
  return above;
}

function walk(values, from, to, better, found) {
  for (let i = from; i < to; i++) if (values[i] === values[i]) found = better(found, values[i]);
  return found;
}

/* Whole stones of the highest level that fits, and what is left on either side from below. */
function reach(levels, from, to, better, none) {
  let found = none;
  for (let level = 0; from < to; level++) {
    const values = levels[level];
    if (level === levels.length - 1 || to - from <= 2 * STONES) {
      return walk(values, from, to, better, found);
    }
    const first = Math.ceil(from / STONES) * STONES;
    const last = Math.floor(to / STONES) * STONES;
    found = walk(values, from, first, better, found);
    found = walk(values, last, to, better, found);
    from = first / STONES;
    to = last / STONES;
  }
  return found;
}

/* The first place of a rising column at which it is `value` or more. */
function placeOf(values, value) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
