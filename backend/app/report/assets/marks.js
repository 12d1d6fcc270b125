/* What stands on the candles: fills, the prices of working orders, indicators, the chosen trade. */

const MOST_ORDERS = 300; // seen at once; beyond these their lines hide the prices
const INKS = ["one", "two", "three", "four", "five"];

/* The fills of a symbol, by row of its bars. */
function fillsOn(bars, fills, symbol) {
  const found = [];
  if (!fills) return found;
  for (let i = 0; i < fills.rows; i++) {
    if (wordAt(fills.symbol, i) !== symbol) continue;
    const row = Math.min(bars.count - 1, placeOf(bars.table.start, fills.bar[i] + 1) - 1);
    found.push({
      row: Math.max(0, row), number: fills.number[i], strategy: wordAt(fills.strategy, i),
      price: fills.price[i], units: Math.abs(fills.quantity[i]), bought: fills.quantity[i] > 0,
    });
  }
  return found.sort((a, b) => a.row - b.row);
}

/* Each stretch in which an order of a symbol had a price: from a row to another. */
function ordersOn(bars, orders, changes, symbol) {
  const found = [];
  if (!orders) return found;
  const changed = new Map();
  for (let i = 0; changes && i < changes.rows; i++) {
    if (!changed.has(changes.order[i])) changed.set(changes.order[i], []);
    changed.get(changes.order[i]).push(i);
  }
  const { start } = bars.table;
  for (let i = 0; i < orders.rows; i++) {
    if (wordAt(orders.symbol, i) !== symbol) continue;
    const ended = orders.ended[i] === orders.ended[i] ? placeOf(start, orders.ended[i]) : bars.count;
    const steps = (changed.get(orders.number[i]) || []).filter((at) => wordAt(changes.what, at) === "amend");
    let from = placeOf(start, orders.created[i]);
    // An order's row has its last terms; what it had before its first change is not on record.
    steps.forEach((at, place) => {
      const since = placeOf(start, changes.at[at]);
      const until = place + 1 < steps.length ? placeOf(start, changes.at[steps[place + 1]]) : ended;
      found.push(...levels(orders, i, since, until, changes.limit[at], changes.stop[at]));
      from = null;
    });
    if (from !== null) found.push(...levels(orders, i, from, ended, orders.limit[i], orders.stop[i]));
  }
  return found;
}

function levels(orders, order, from, to, limit, stop) {
  const found = [];
  const end = Math.max(to, from + 1);
  const number = orders.number[order];
  if (limit === limit) found.push({ number, from, to: end, price: limit, kind: "limit" });
  if (stop === stop) found.push({ number, from, to: end, price: stop, kind: "stop" });
  return found;
}

function drawOrders(pen, span, plot, colours, segments, chosen) {
  const seen = segments.filter((one) => one.to > span.from && one.from < span.to);
  if (seen.length > MOST_ORDERS && !chosen) return;
  for (const one of seen) {
    const own = chosen ? chosen.has(one.number) : true;
    if (!own && seen.length > MOST_ORDERS) continue;
    pen.globalAlpha = own ? 1 : 0.25;
    pen.strokeStyle = one.kind === "stop" ? colours.stop : colours.limit;
    pen.lineWidth = chosen && own ? 2 : 1.25;
    pen.setLineDash(one.kind === "stop" ? [2, 3] : [6, 3]);
    const y = plot.y(one.price);
    line(pen, span.xOf(one.from, plot), y, span.xOf(one.to, plot), y);
  }
  pen.setLineDash([]);
  pen.globalAlpha = 1;
}

/* Triangles: up and below for what was bought, down and above for what was sold. */
function drawFills(pen, span, plot, colours, fills) {
  const from = firstAt(fills, span.first());
  const to = firstAt(fills, span.end());
  if (to - from > plot.width / 3) {
    dotFills(pen, span, plot, colours, fills.slice(from, to));
    return;
  }
  const half = Math.max(3.5, Math.min(7, plot.width / Math.max(1, span.width) / 2));
  for (let i = from; i < to; i++) {
    const { row, price: at, bought } = fills[i];
    const x = span.xOf(row + 0.5, plot);
    const y = plot.y(at);
    const side = bought ? 1 : -1;
    pen.fillStyle = bought ? colours.gain : colours.loss;
    pen.beginPath();
    pen.moveTo(x, y + side);
    pen.lineTo(x - half, y + side * (1 + half * 1.7));
    pen.lineTo(x + half, y + side * (1 + half * 1.7));
    pen.closePath();
    pen.strokeStyle = colours.ground;
    pen.lineWidth = 2;
    pen.stroke();
    pen.fill();
  }
}

/* Many of them: a dot each, and one alone where they would hide each other. */
function dotFills(pen, span, plot, colours, fills) {
  for (const side of [1, -1]) {
    const taken = new Set();
    pen.fillStyle = side > 0 ? colours.gain : colours.loss;
    for (const { row, price: at, bought } of fills) {
      if (bought !== side > 0) continue;
      const [x, y] = [Math.round(span.xOf(row + 0.5, plot)), Math.round(plot.y(at))];
      const place = x * 10000 + y;
      if (taken.has(place)) continue;
      taken.add(place);
      pen.fillRect(x - 1, y + side * 2 - 1, 2, 3);
    }
  }
}

/* The fill whose mark is at a place, or none. */
function fillAt(fills, span, plot, at) {
  let [found, least] = [null, 14]; // pixels
  for (let i = firstAt(fills, span.first()); i < fills.length && fills[i].row < span.end(); i++) {
    const one = fills[i];
    const mark = plot.y(one.price) + (one.bought ? 7 : -7);
    const distance = Math.hypot(span.xOf(one.row + 0.5, plot) - at.x, mark - at.y);
    if (distance < least) [found, least] = [one, distance];
  }
  return found;
}

function firstAt(items, row) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].row < row) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* The trade that was chosen: its time shaded, its entry and exit joined. */
function drawTrade(pen, span, plot, colours, trade) {
  const [x1, x2] = [span.xOf(trade.from, plot), span.xOf(trade.to + 1, plot)];
  pen.fillStyle = colours.accent;
  pen.globalAlpha = 0.1;
  pen.fillRect(x1, plot.top - 4, Math.max(2, x2 - x1), plot.height + 8);
  pen.globalAlpha = 1;
  if (trade.exit !== trade.exit) return;
  pen.strokeStyle = trade.profit < 0 ? colours.loss : colours.gain;
  pen.lineWidth = 2;
  pen.setLineDash([5, 3]);
  line(pen, span.xOf(trade.from + 0.5, plot), plot.y(trade.entry),
    span.xOf(trade.to + 0.5, plot), plot.y(trade.exit));
  pen.setLineDash([]);
}

/* A symbol's indicators, each as a column over the rows of its bars. */
async function indicatorsOn(bars, store, specs) {
  const found = [];
  for (const { table, outputs } of specs || []) {
    const own = await store.table(table);
    const rows = Int32Array.from(own.at, (at) => placeOf(bars.table.start, at) - 1);
    for (const { column, label, overlay } of outputs) {
      const values = new Float64Array(bars.count).fill(NaN);
      rows.forEach((row, i) => {
        if (row >= 0) values[row] = own[column][i];
      });
      joined(values, rows);
      found.push({ label, overlay, values, pyramid: new Pyramid(values), ink: INKS[found.length % INKS.length] });
    }
  }
  return found;
}

/* Of a longer interval: straight lines between its values. */
function joined(values, rows) {
  for (let i = 1; i < rows.length; i++) {
    const [a, b] = [rows[i - 1], rows[i]];
    if (a < 0 || b - a < 2 || values[a] !== values[a] || values[b] !== values[b]) continue;
    for (let row = a + 1; row < b; row++) {
      values[row] = values[a] + ((values[b] - values[a]) * (row - a)) / (b - a);
    }
  }
}
