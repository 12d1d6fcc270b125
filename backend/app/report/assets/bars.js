/* One symbol's bars: whichever candles fit the pixels are made of them, by session. */

const MINUTE = 60000;
const LADDER = [1, 5, 15, 30, 60, 120]; // minutes of a candle
const SESSIONS = [1, 5, 21, 63]; // sessions of one, beyond those

class Bars {
  constructor(table, sessions, minutes, holes) {
    this.table = table;
    this.count = table.rows;
    this.minutes = minutes; // of a stored bar
    this.holes = holes.map((end) => placeOf(table.start, end)); // the row behind each
    this.low = new Pyramid(table.low);
    this.high = new Pyramid(table.high);
    this.volumeUpTo = new Float64Array(this.count + 1);
    for (let i = 0; i < this.count; i++) {
      this.volumeUpTo[i + 1] = this.volumeUpTo[i] + table.volume[i];
    }
    this.sessions = sessions.map(([date, open, close, anchors]) => ({
      date, anchors, first: placeOf(table.start, open), end: placeOf(table.start, close),
    }));
    this.sessions = this.sessions.filter((one) => one.end > one.first);
    this.groups = new Map();
  }

  /* Rows at which a candle of this size begins; the end of all stands last. */
  firsts(size) {
    if (!this.groups.has(size.key)) this.groups.set(size.key, this.grouped(size));
    return this.groups.get(size.key);
  }

  grouped({ minutes, sessions }) {
    const found = [];
    if (sessions) {
      for (let i = 0; i < this.sessions.length; i += sessions) found.push(this.sessions[i].first);
    } else {
      for (const { anchors, first, end } of this.sessions) {
        let [slot, part] = [null, -1];
        for (let row = first; row < end; row++) {
          const start = this.table.start[row];
          if (start >= anchors[part + 1]) {
            slot = null; // behind a break, or where extended hours begin or end
            while (start >= anchors[part + 1]) part += 1;
          }
          const own = Math.floor((start - anchors[part]) / (minutes * MINUTE));
          if (own !== slot) found.push(row);
          slot = own;
        }
      }
    }
    found.push(this.count);
    return Int32Array.from(found);
  }

  sizes() {
    const minutes = LADDER.filter((one) => one >= this.minutes && one % this.minutes === 0);
    return [
      ...minutes.map((one) => ({ key: one < 60 ? `${one}m` : `${one / 60}h`, minutes: one })),
      ...SESSIONS.map((one) => ({ key: one === 1 ? "1d" : `${one}d`, sessions: one })),
    ];
  }

  /* The finest candles of which each has so many pixels. */
  fitting(span, pixels, least = 5) {
    const sizes = this.sizes();
    const enough = sizes.find((size) => {
      const firsts = this.firsts(size);
      const seen = placeOf(firsts, span.to) - placeOf(firsts, span.from);
      return seen <= pixels / least;
    });
    return enough || sizes.at(-1);
  }

  candle(first, end) {
    const { open, close } = this.table;
    return {
      first, end, open: open[first], close: close[end - 1],
      low: this.low.least(first, end), high: this.high.greatest(first, end),
      volume: this.volumeUpTo[end] - this.volumeUpTo[first],
    };
  }

  /* The candles that a span shows. */
  *candles(span, size) {
    const firsts = this.firsts(size);
    let place = Math.max(0, placeOf(firsts, span.first() + 1) - 1);
    for (; place < firsts.length - 1 && firsts[place] < span.end(); place++) {
      yield this.candle(firsts[place], firsts[place + 1]);
    }
  }

  sessionAt(row) {
    const at = this.sessions.findIndex((one) => row < one.end);
    return at < 0 ? this.sessions.length - 1 : at;
  }
}
