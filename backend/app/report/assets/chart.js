/* A canvas with panes one below the other over one stretch of rows: what all charts here share. */

const AXIS = 20; // pixels below, for times
const GAP = 22; // above a pane, for its title

class Chart {
  /* `panes`: {share, range(first, end) -> [low, high], draw(pen), label(value)}, top to bottom. */
  constructor(canvas, { count, msAt, panes, onPoint, onMove, sessions, keys }) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.span = new Span(count);
    this.msAt = msAt;
    this.panes = panes;
    this.onPoint = onPoint || (() => {});
    this.onMove = onMove || (() => {});
    this.onPick = () => {}; // told of a click, and of the panes' places
    this.painted = null;
    this.sessions = sessions || [];
    this.pointer = null;
    this.asked = false;
    listen(canvas, this, keys);
    new ResizeObserver(() => this.draw()).observe(canvas);
    onThemeChange(() => this.paint()); // at once: paper does not wait for a frame
  }

  plotWidth() {
    return Math.max(1, this.canvas.clientWidth - this.axisWidth());
  }

  axisWidth() {
    return this.canvas.clientWidth < 500 ? 54 : 72;
  }

  pan(share) {
    if (Math.abs(share) === Infinity) this.span.pan(Math.sign(share) * this.span.count);
    else this.span.pan(share * this.span.width);
    this.moved();
  }

  zoom(factor, x = this.plotWidth() / 2) {
    this.span.zoom(factor, this.span.rowAt(x, { left: 0, width: this.plotWidth() }));
    this.moved();
  }

  show(from, to) {
    this.span.set(from, to);
    this.moved();
  }

  showAll() {
    this.span.all();
    this.moved();
  }

  moved() {
    this.onMove(this.span);
    this.draw();
  }

  point(at) {
    this.pointer = at;
    this.draw();
  }

  pick(at) {
    if (this.painted) this.onPick(at, this.painted);
  }

  /* At the next frame, however often it is asked for. */
  draw() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.paint();
    });
  }

  paint() {
    const began = performance.now();
    const { canvas, pen } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const colours = theme();
    const plots = this.plots(width, height);
    this.painted = plots;
    this.timeAxis(plots, colours);
    this.panes.forEach((pane, i) => this.paintPane(pane, plots[i], colours));
    this.cross(plots, colours);
    canvas.dataset.frameMs = performance.now() - began;
  }

  plots(width, height) {
    const room = height - AXIS - GAP * this.panes.length;
    const all = this.panes.reduce((sum, pane) => sum + pane.share, 0);
    let top = GAP;
    return this.panes.map((pane) => {
      const plot = { left: 0, top, width: width - this.axisWidth(), height: (room * pane.share) / all };
      top += plot.height + GAP;
      return plot;
    });
  }

  paintPane(pane, plot, colours) {
    const { pen, span } = this;
    let [low, high] = pane.range(span.first(), span.end());
    if (!(high > low)) [low, high] = isFinite(low) ? [low - 1, low + 1] : [0, 1];
    const pad = (high - low) * (pane.pad ?? 0.06);
    plot.low = pane.floor === undefined ? low - pad : Math.min(low, pane.floor);
    plot.high = pane.ceiling === undefined ? high + pad : Math.max(high, pane.ceiling);
    plot.y = (value) => plot.top + ((plot.high - value) / (plot.high - plot.low)) * plot.height;
    plot.valueAt = (y) => plot.high - ((y - plot.top) / plot.height) * (plot.high - plot.low);
    const marks = ticks(plot.low, plot.high, Math.max(plot.height / 44, 3));
    const decimals = decimalsOf(marks);
    pen.strokeStyle = colours.grid;
    pen.fillStyle = colours.muted;
    pen.lineWidth = 1;
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    for (const value of marks) {
      const y = Math.round(plot.y(value)) + 0.5;
      if (y < plot.top || y > plot.top + plot.height) continue;
      line(pen, 0, y, plot.width, y);
      pen.fillText(pane.label(value, decimals), plot.width + 6, y);
    }
    pen.save();
    pen.beginPath();
    pen.rect(plot.left, plot.top - 4, plot.width, plot.height + 8);
    pen.clip();
    pane.draw(pen, span, plot, colours);
    pen.restore();
    if (pane.title) {
      pen.fillStyle = colours.muted;
      pen.textAlign = "left";
      pen.textBaseline = "bottom";
      pen.fillText(pane.title, plot.left, plot.top - 5);
    }
  }

  timeAxis(plots, colours) {
    const { pen, span } = this;
    if (!span.count) return;
    const bottom = plots.at(-1);
    const y = bottom.top + bottom.height + 7;
    pen.textAlign = "center";
    pen.textBaseline = "top";
    for (const { row, text, strong } of timeTicks(span, plots[0].width, this.msAt, this.sessions)) {
      const x = Math.round(span.xOf(row, plots[0])) + 0.5;
      pen.strokeStyle = strong ? colours.axis : colours.grid;
      for (const plot of plots) line(pen, x, plot.top, x, plot.top + plot.height);
      pen.fillStyle = strong ? colours.text : colours.muted;
      const half = pen.measureText(text).width / 2;
      pen.fillText(text, Math.min(Math.max(x, half), plots[0].width - half), y);
    }
  }

  cross(plots, colours) {
    const { pen, pointer, span } = this;
    const inside = pointer && pointer.x >= 0 && pointer.x <= plots[0].width && span.count;
    if (!inside) {
      this.onPoint(null);
      return;
    }
    const row = Math.min(span.count - 1, Math.max(0, Math.floor(span.rowAt(pointer.x, plots[0]))));
    const x = Math.round(span.xOf(row + 0.5, plots[0])) + 0.5;
    pen.strokeStyle = colours.cross;
    pen.setLineDash([3, 3]);
    for (const plot of plots) line(pen, x, plot.top, x, plot.top + plot.height);
    plots.forEach((plot, i) => {
      if (pointer.y < plot.top || pointer.y > plot.top + plot.height) return;
      line(pen, 0, pointer.y, plot.width, pointer.y);
      pen.setLineDash([]);
      const marks = ticks(plot.low, plot.high, Math.max(plot.height / 44, 3));
      tag(pen, this.panes[i].label(plot.valueAt(pointer.y), decimalsOf(marks) + 1), plot.width, pointer.y, colours);
    });
    pen.setLineDash([]);
    this.onPoint(row);
  }
}

function line(pen, x1, y1, x2, y2) {
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
}

/* A value on the axis, on a ground of its own. */
function tag(pen, text, x, y, colours) {
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.fillStyle = colours.text;
  pen.fillRect(x + 1, y - 8, pen.measureText(text).width + 10, 16);
  pen.fillStyle = colours.ground;
  pen.fillText(text, x + 6, y);
}
