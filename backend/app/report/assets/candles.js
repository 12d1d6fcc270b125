/* The price chart: candles with volume, indicators, orders and fills; one symbol at a time. */

const MOST_TOLD = 3; // fills of a candle, in words

class PriceChart {
  constructor(root, store, facts) {
    this.root = root;
    this.store = store;
    this.facts = facts;
    this.shows = { fills: true, orders: true, indicators: true, volume: true };
    this.size = null; // null: whichever fits
    this.trade = null;
    this.ready = new Map();
    this.chart = new Chart(root.querySelector("canvas"), {
      count: 0, msAt: (row) => this.bars.table.start[row], panes: [],
      onPoint: (row) => this.tell(row),
      onMove: () => this.showSession(),
      keys: {
        PageUp: () => this.step(-1), PageDown: () => this.step(1),
        "[": () => this.step(-1), "]": () => this.step(1),
      },
    });
    this.onFill = () => {}; // told of a fill whose mark was clicked
    this.chart.onPick = (at, plots) => {
      const found = this.shows.fills ? fillAt(this.fills, this.chart.span, plots[0], at) : null;
      if (found) this.onFill(found);
    };
    startTools(this);
  }

  /* Another symbol, at the same time of the same session. */
  async show(symbol) {
    const before = this.bars && this.bars.table.start[this.chart.span.first()];
    const width = this.chart.span.width;
    if (!this.ready.has(symbol)) this.ready.set(symbol, this.load(symbol));
    this.wanted = symbol;
    const found = await this.ready.get(symbol);
    if (this.wanted !== symbol) return; // another was asked for meanwhile
    Object.assign(this, found, { symbol, trade: null });
    this.chart.span = new Span(this.bars.count);
    this.chart.sessions = this.bars.sessions.map((one) => one.first);
    this.chart.panes = this.panes();
    this.root.querySelector(".symbol").value = symbol;
    this.fillSessions();
    if (before) this.chart.span.set(placeOf(this.bars.table.start, before), placeOf(this.bars.table.start, before) + width);
    else this.chart.span.set(...this.opening());
    this.chart.moved();
    this.tell(null);
  }

  async load(symbol) {
    const { store, facts } = this;
    const own = facts.bars[symbol];
    const bars = new Bars(await store.table(own.table), facts.sessions, own.minutes, own.holes);
    const [orders, changes, fills] = await Promise.all(
      ["orders", "changes", "fills"].map((name) => store.table(name)),
    );
    return {
      bars,
      fills: fillsOn(bars, fills, symbol),
      segments: ordersOn(bars, orders, changes, symbol),
      indicators: await indicatorsOn(bars, store, facts.indicators[symbol]),
    };
  }

  /* The last session, or all where a session is a bar. */
  opening() {
    const last = this.bars.sessions.at(-1);
    return last && last.end - last.first > 1 ? [last.first, last.end] : [0, this.bars.count];
  }

  panes() {
    const own = this.shows.indicators ? this.indicators.filter((one) => !one.overlay) : [];
    const found = [this.pricePane()];
    if (this.shows.volume) found.push(this.volumePane());
    if (own.length) found.push(this.indicatorPane(own));
    return found;
  }

  pricePane() {
    return {
      share: 5,
      title: `${this.symbol}, ${this.facts.symbols[this.symbol].currency}`,
      range: (first, end) => this.prices(first, end),
      label: (value, decimals) => grouped(value, Math.max(decimals, 2)),
      draw: (pen, span, plot, colours) => {
        const size = this.size || this.bars.fitting(span, plot.width);
        this.drawn = size;
        if (this.trade) drawTrade(pen, span, plot, colours, this.trade);
        this.drawHoles(pen, span, plot, colours);
        drawCandles(pen, span, plot, colours, this.bars.candles(span, size));
        if (this.shows.indicators) this.drawIndicators(pen, span, plot, colours, true);
        if (this.shows.orders) {
          drawOrders(pen, span, plot, colours, this.segments, this.trade && this.trade.orders);
        }
        if (this.shows.fills) drawFills(pen, span, plot, colours, this.fills);
      },
    };
  }

  /* What the bars reached, and the orders of the chosen trade as far as they are not remote. */
  prices(first, end) {
    let [low, high] = [this.bars.low.least(first, end), this.bars.high.greatest(first, end)];
    const room = (high - low) * 2;
    const [least, most] = [low - room, high + room];
    for (const one of this.trade && this.shows.orders ? this.segments : []) {
      if (!this.trade.orders.has(one.number) || one.to <= first || one.from >= end) continue;
      if (one.price < least || one.price > most) continue;
      low = Math.min(low, one.price);
      high = Math.max(high, one.price);
    }
    return [low, high];
  }

  volumePane() {
    const size = () => this.drawn || this.bars.fitting(this.chart.span, this.chart.plotWidth());
    return {
      share: 1,
      title: "Volume",
      floor: 0,
      range: () => {
        let most = 0;
        for (const one of this.bars.candles(this.chart.span, size())) most = Math.max(most, one.volume);
        return [0, most || 1];
      },
      label: (value) => brief(value),
      draw: (pen, span, plot, colours) => {
        pen.fillStyle = colours.volume;
        for (const { first, end, volume } of this.bars.candles(span, size())) {
          const [x1, x2] = [span.xOf(first, plot), span.xOf(end, plot)];
          pen.fillRect(x1 + (x2 - x1) * 0.15, plot.y(volume), Math.max(1, (x2 - x1) * 0.7), plot.y(0) - plot.y(volume));
        }
      },
    };
  }

  indicatorPane(own) {
    return {
      share: 1.4,
      title: own.map((one) => one.label).join("  "),
      range: (first, end) => [
        Math.min(...own.map((one) => one.pyramid.least(first, end))),
        Math.max(...own.map((one) => one.pyramid.greatest(first, end))),
      ],
      label: (value, decimals) => grouped(value, decimals),
      draw: (pen, span, plot, colours) => this.drawIndicators(pen, span, plot, colours, false),
    };
  }

  drawIndicators(pen, span, plot, colours, overlay) {
    pen.lineWidth = 1.4;
    for (const one of this.indicators) {
      if (one.overlay !== overlay) continue;
      pen.strokeStyle = colours[one.ink];
      curve(pen, span, plot, one.values, one.pyramid);
    }
  }

  drawHoles(pen, span, plot, colours) {
    if (plot.width / span.width < 0.8) return;
    const holes = this.bars.holes;
    pen.fillStyle = colours.warn;
    for (let i = placeOf(holes, span.first()); i < holes.length && holes[i] < span.end(); i++) {
      pen.fillRect(span.xOf(holes[i], plot) - 1, plot.top + plot.height, 2, 4);
    }
  }

  /* What the chart says in words: of the row that is pointed at, or of the last one seen. */
  tell(row) {
    if (!this.bars || !this.bars.count) return;
    const { bars, chart } = this;
    const at = Math.min(bars.count - 1, row ?? chart.span.end() - 1);
    const size = this.drawn || bars.fitting(chart.span, chart.plotWidth());
    const firsts = bars.firsts(size);
    const place = Math.max(0, placeOf(firsts, at + 1) - 1);
    const one = bars.candle(firsts[place], firsts[place + 1]);
    const readout = this.root.querySelector(".readout");
    const change = one.close / one.open - 1;
    readout.replaceChildren(
      word("", size.sessions ? clock.date(bars.table.start[one.first]) : clock.both(bars.table.start[one.first])),
      word("", size.key),
      word("O", price(one.open)), word("H", price(one.high)), word("L", price(one.low)),
      word("C", price(one.close), change < 0 ? "loss" : "gain"), word("V", quantity(one.volume)),
    );
    for (const indicator of this.shows.indicators ? this.indicators : []) {
      const value = word(indicator.label, price(Number(indicator.values[one.end - 1].toPrecision(7))));
      value.classList.add("ink-" + indicator.ink);
      readout.append(value);
    }
    if (this.shows.fills) readout.append(...this.tellFills(one));
  }

  /* What was filled in a candle, the first of it. */
  tellFills({ first, end }) {
    const from = firstAt(this.fills, first);
    const to = firstAt(this.fills, end);
    const told = this.fills.slice(from, Math.min(to, from + MOST_TOLD)).map((one) => {
      const side = one.bought ? "bought" : "sold";
      return word(side, `${quantity(one.units)} at ${price(one.price)}`, one.bought ? "gain" : "loss");
    });
    return to - from > MOST_TOLD ? [...told, word("", `and ${to - from - MOST_TOLD} more`)] : told;
  }

  /* To the session before or after the one in the middle. */
  step(by) {
    const { span } = this.chart;
    const place = this.bars.sessionAt(Math.floor((span.from + span.to) / 2));
    this.showNumber(Math.min(this.bars.sessions.length - 1, Math.max(0, place + by)));
  }

  showNumber(place) {
    const one = this.bars.sessions[place];
    if (one) this.chart.show(one.first, one.end);
  }

  fillSessions() {
    const choice = this.root.querySelector(".session");
    choice.replaceChildren(...this.bars.sessions.map((one, place) => new Option(one.date, place)));
  }

  showSession() {
    const { span } = this.chart;
    if (!this.bars) return;
    this.root.querySelector(".session").value = this.bars.sessionAt(Math.floor((span.from + span.to) / 2));
  }

  /* A trade with its orders, in the middle of the chart. */
  async showTrade(trade) {
    this.chosen = trade.number;
    if (this.symbol !== trade.symbol || this.wanted !== trade.symbol) await this.show(trade.symbol);
    if (this.chosen !== trade.number || this.symbol !== trade.symbol) return;
    const { start } = this.bars.table;
    const from = Math.max(0, placeOf(start, trade.entryAt) - 1);
    const until = trade.exitAt === trade.exitAt ? placeOf(start, trade.exitAt) - 1 : this.bars.count - 1;
    const to = Math.max(from, until);
    this.trade = { ...trade, from, to };
    const room = Math.max(30, (to - from) * 0.6);
    this.chart.show(from - room, to + room);
    this.root.dataset.trade = trade.number;
  }
}

/* Hollow where it closed higher, filled where lower: told by more than colour. */
function drawCandles(pen, span, plot, colours, candles) {
  pen.lineWidth = 1;
  for (const { first, end, open, high, low, close } of candles) {
    const [x1, x2] = [span.xOf(first, plot), span.xOf(end, plot)];
    const middle = Math.round((x1 + x2) / 2) + 0.5;
    const rises = close >= open;
    pen.strokeStyle = pen.fillStyle = rises ? colours.gain : colours.loss;
    const [top, bottom] = [plot.y(Math.max(open, close)), plot.y(Math.min(open, close))];
    const width = Math.floor((x2 - x1) * 0.7);
    if (width < 3) {
      line(pen, middle, plot.y(high), middle, Math.max(plot.y(low), plot.y(high) + 1));
      continue;
    }
    line(pen, middle, plot.y(high), middle, top);
    line(pen, middle, bottom, middle, plot.y(low));
    const left = middle - Math.floor(width / 2);
    if (rises && bottom - top >= 2) pen.strokeRect(left, Math.round(top) + 0.5, width, Math.max(1, Math.round(bottom - top)));
    else pen.fillRect(left - 0.5, top, width + 1, Math.max(1, bottom - top));
  }
}

/* 1.2 k, 3.4 M: for an axis. */
function brief(value) {
  const [size, letter] = [[1e9, "B"], [1e6, "M"], [1e3, "k"]].find(([one]) => value >= one) || [1, ""];
  return grouped(value / size, value / size < 10 && letter ? 1 : 0) + letter;
}
