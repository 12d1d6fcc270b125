/* How trades and sessions spread: histograms, and sums by hour and weekday. */

/* Counts between round edges; zero is an edge, so that no bar mixes gain and loss. */
function histogram(values, about = 30) {
  const known = values.filter((one) => isFinite(one));
  if (!known.length) return { edges: [], counts: [] };
  const order = Float64Array.from(known).sort();
  const [low, high] = [order[Math.floor(order.length * 0.005)], order[Math.floor((order.length - 1) * 0.995)]];
  const inside = ticks(low, high, about);
  const step = inside.length > 1 ? inside[1] - inside[0] : Math.abs(low) * 0.1 || 1;
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.floor(high / step) + 1);
  const edges = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  const counts = new Array(last - first).fill(0);
  for (const value of known) {
    const at = Math.floor(value / step + 1e-9) - first;
    counts[Math.min(counts.length - 1, Math.max(0, at))] += 1; // what lies beyond stands at the edge
  }
  return { edges, counts };
}

/* One bar each, tallest first for nobody: in the order given. */
class BarPicture {
  constructor(canvas, bars, { label, tell }) {
    Object.assign(this, { canvas, bars, label, tell, at: -1 });
    this.pen = canvas.getContext("2d");
    canvas.addEventListener("pointermove", (event) => this.point(event.offsetX));
    canvas.addEventListener("pointerleave", () => this.point(-1));
    canvas.addEventListener("keydown", (event) => this.walk(event));
    new ResizeObserver(() => this.paint()).observe(canvas);
    onThemeChange(() => this.paint());
  }

  point(x) {
    const at = x < 0 ? -1 : Math.floor((x / this.canvas.clientWidth) * this.bars.length);
    this.show(Math.min(at, this.bars.length - 1));
  }

  walk(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    this.show(Math.min(this.bars.length - 1, Math.max(0, this.at + by)));
  }

  show(at) {
    this.at = at;
    this.tell(at < 0 ? null : this.bars[at]);
    this.paint();
  }

  paint() {
    const { canvas, pen, bars } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width || !height || !bars.length) return;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const colours = theme();
    const most = Math.max(0, ...bars.map((one) => one.value));
    const least = Math.min(0, ...bars.map((one) => one.value));
    const [ceiling, floor] = [most > 0 ? 16 : 4, height - (least < 0 ? 36 : 24)]; // room for words
    const y = (value) => ceiling + ((most - value) / (most - least || 1)) * (floor - ceiling);
    const each = width / bars.length;
    bars.forEach((one, i) => {
      pen.fillStyle = colours[one.ink];
      pen.globalAlpha = this.at < 0 || this.at === i ? 1 : 0.45;
      const gap = Math.min(4, each * 0.15);
      const [top, bottom] = [y(Math.max(one.value, 0)), y(Math.min(one.value, 0))];
      pen.fillRect(i * each + gap / 2, top, each - gap, Math.max(one.value ? 1 : 0, bottom - top));
    });
    pen.globalAlpha = 1;
    pen.strokeStyle = colours.axis;
    line(pen, 0, Math.round(y(0)) + 0.5, width, Math.round(y(0)) + 0.5);
    this.labels(width, height, each, colours);
    this.scale(y, most, least, colours);
  }

  /* How high the highest is, and how low the lowest: the rest is read off those. */
  scale(y, most, least, colours) {
    const { pen, canvas, bars } = this;
    const whole = bars.every((one) => Number.isInteger(one.value));
    pen.textAlign = "right";
    for (const value of [most, least]) {
      if (!value) continue;
      const text = grouped(value, whole ? 0 : 2);
      const at = Math.round(y(value)) + 0.5;
      pen.strokeStyle = colours.grid;
      line(pen, 0, at, canvas.clientWidth, at);
      pen.fillStyle = colours.muted;
      pen.fillText(text, canvas.clientWidth, value > 0 ? at - 2 : at + 13);
    }
  }

  labels(width, height, each, colours) {
    const { pen, bars } = this;
    pen.fillStyle = colours.muted;
    pen.textBaseline = "bottom";
    pen.textAlign = "center";
    let free = -Infinity;
    bars.forEach((one, i) => {
      const text = this.label(one, i);
      if (!text) return;
      const half = pen.measureText(text).width / 2;
      const x = Math.min(Math.max((i + (one.edge ? 0 : 0.5)) * each, half), width - half);
      if (x - half < free) return;
      pen.fillText(text, x, height - 2);
      free = x + half + 14;
    });
  }
}

/* With what is written below and beside them; `write(value, decimals)`. */
function histogramPicture(values, write) {
  const { edges, counts } = histogram(values);
  const decimals = decimalsOf(edges);
  const bars = counts.map((value, i) => (
    { value, from: edges[i], to: edges[i + 1], edge: true, ink: byGain(edges[i] + 1e-12) }
  ));
  const text = (one) => `${write(one.from, decimals)} to ${write(one.to, decimals)}: ${grouped(one.value, 0)}`;
  return [bars, (one) => write(one.from, decimals), text];
}

const HELD = [0, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 172800, 432000, 864000, 2592000];

/* Holding times between steps that grow: minutes and days in one picture. */
function heldBars(values) {
  const counts = HELD.map(() => 0);
  for (const value of values) counts[placeOf(HELD, value + 1e-9) - 1] += 1;
  const used = counts.flatMap((count, i) => (count ? [i] : []));
  return used.length
    ? counts.map((value, i) => ({ value, from: HELD[i], to: HELD[i + 1] ?? Infinity, edge: true, ink: "line" }))
      .slice(used[0], used.at(-1) + 1)
    : [];
}

const byGain = (value) => (value < 0 ? "loss" : "gain");

/* Profit by hour or weekday, as the metrics have it; hours between without a trade stay empty. */
function sliceBars(found, keys) {
  const known = new Map(found.map(([key, value, count]) => [key, { key, value, count }]));
  const bars = keys.map((key) => known.get(key) || { key, value: 0, count: 0 });
  const traded = bars.filter((one) => one.count);
  if (!traded.length) return [];
  return bars.slice(bars.indexOf(traded[0]), bars.indexOf(traded.at(-1)) + 1)
    .map((one) => ({ ...one, ink: byGain(one.value) }));
}

function startDistributions(root, trades, returns, slices) {
  const closed = trades.filter((one) => one.exitAt === one.exitAt);
  const sumText = (one) => `${one.key}: ${signed(one.value, 2)} in ${grouped(one.count, 0)} trades`;
  const heldText = (one) => `${lasting(one.from)} ${one.to < Infinity ? "to " + lasting(one.to) : "and more"}: ${grouped(one.value, 0)}`;
  const share = (value, decimals) => percent(value, Math.max(0, decimals - 2));
  const hours = Array.from({ length: 24 }, (_, hour) => `${two(hour)}:00`);
  const days = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(" ");
  const pictures = {
    profits: histogramPicture(closed.map((one) => one.own), grouped),
    returns: histogramPicture(returns, share),
    held: [heldBars(closed.map((one) => one.held)), (one) => lasting(one.from), heldText],
    hours: [sliceBars(slices.hour, hours), (one) => one.key, sumText],
    weekdays: [sliceBars(slices.weekday, days), (one) => one.key.slice(0, 3), sumText],
  };
  for (const [name, [bars, label, text]] of Object.entries(pictures)) {
    const figure = root.querySelector(`[data-picture="${name}"]`);
    if (!bars.length) {
      figure.classList.add("empty");
      continue;
    }
    const says = figure.querySelector(".says");
    const usual = says.textContent;
    const tell = (one) => (says.textContent = one ? text(one) : usual);
    new BarPicture(figure.querySelector("canvas"), bars, { label, tell }).paint();
  }
}
