/* The equity curve, and below it how far under its highest point the account stood. */

function drawdowns(values, start) {
  const found = new Float64Array(values.length);
  let peak = start;
  for (let i = 0; i < values.length; i++) {
    if (values[i] > peak) peak = values[i];
    found[i] = peak > 0 ? values[i] / peak - 1 : 0;
  }
  return found;
}

/* A line through all rows; where many share a pixel, from the least to the greatest of them. */
function curve(pen, span, plot, values, pyramid) {
  const first = Math.max(0, span.first() - 1);
  const end = Math.min(span.count, span.end() + 1);
  pen.beginPath();
  if (end - first <= plot.width * 2) {
    let draws = false;
    for (let row = first; row < end; row++) {
      const value = values[row];
      if (value !== value) {
        draws = false;
        continue;
      }
      const x = span.xOf(row + 0.5, plot);
      if (draws) pen.lineTo(x, plot.y(value));
      else pen.moveTo(x, plot.y(value));
      draws = true;
    }
  } else {
    const each = span.width / plot.width;
    for (let x = 0; x < plot.width; x++) {
      const from = Math.max(0, Math.floor(span.from + x * each));
      const to = Math.min(span.count, Math.max(from + 1, Math.floor(span.from + (x + 1) * each)));
      const [low, high] = [pyramid.least(from, to), pyramid.greatest(from, to)];
      if (low > high) continue;
      pen.lineTo(plot.left + x, plot.y(high));
      pen.lineTo(plot.left + x, plot.y(low));
    }
  }
  pen.stroke();
}

/* The room between a line and a level, filled. */
function underCurve(pen, span, plot, pyramid, level) {
  const base = plot.y(level);
  const each = span.width / plot.width;
  pen.beginPath();
  pen.moveTo(plot.left, base);
  for (let x = 0; x <= plot.width; x++) {
    const from = Math.min(span.count - 1, Math.max(0, Math.floor(span.from + x * each)));
    const to = Math.min(span.count, Math.max(from + 1, Math.floor(span.from + (x + 1) * each)));
    pen.lineTo(plot.left + x, plot.y(level === 0 ? pyramid.least(from, to) : pyramid.greatest(from, to)));
  }
  pen.lineTo(plot.left + plot.width, base);
  pen.fill();
}

async function startEquity(root, store, facts) {
  const table = await store.table("equity");
  const canvas = root.querySelector("canvas");
  if (!table || !table.rows) {
    root.classList.add("empty");
    return null;
  }
  const { at, equity } = table;
  const start = facts.startEquity ?? equity[0];
  const down = drawdowns(equity, start);
  const [whole, below] = [new Pyramid(equity), new Pyramid(down)];
  const readout = root.querySelector(".readout");
  const money = (value, decimals) => grouped(value, decimals);
  const tell = (row) => {
    const place = row === null ? equity.length - 1 : row;
    const gained = equity[place] - start;
    readout.innerHTML = "";
    readout.append(
      word("", clock.both(at[place])),
      word("equity", `${grouped(equity[place], 2)} ${facts.currency}`),
      word("result", signed(gained, 2), gained < 0 ? "loss" : "gain"),
      word("drawdown", percent(down[place])),
    );
  };
  const equityPane = {
    share: 3,
    title: `Equity, ${facts.currency}`,
    range: (first, end) => [
      Math.min(whole.least(first, end), start), Math.max(whole.greatest(first, end), start),
    ],
    label: money,
    draw(pen, span, plot, colours) {
      pen.fillStyle = colours.fill;
      underCurve(pen, span, plot, whole, start);
      pen.strokeStyle = colours.axis;
      pen.lineWidth = 1;
      pen.setLineDash([4, 4]);
      line(pen, plot.left, plot.y(start), plot.left + plot.width, plot.y(start));
      pen.setLineDash([]);
      pen.strokeStyle = colours.line;
      pen.lineWidth = 1.5;
      curve(pen, span, plot, equity, whole);
    },
  };
  const drawdownPane = {
    share: 1,
    title: "Drawdown",
    ceiling: 0,
    range: (first, end) => [Math.min(below.least(first, end), -0.0001), 0],
    label: (value, decimals) => percent(value, Math.max(0, decimals - 2)),
    draw(pen, span, plot, colours) {
      pen.fillStyle = colours.below;
      underCurve(pen, span, plot, below, 0);
      pen.strokeStyle = colours.loss;
      pen.lineWidth = 1;
      curve(pen, span, plot, down, below);
    },
  };
  const chart = new Chart(canvas, {
    count: table.rows,
    msAt: (row) => at[row],
    panes: [equityPane, drawdownPane],
    sessions: sessionRows(at, facts, 1),
    onPoint: tell,
  });
  tell(null);
  chart.draw();
  return chart;
}

/* The first row of each session; `after` is 1 where a row is told at its end. */
function sessionRows(at, facts, after) {
  const rows = facts.sessions.map(([, open]) => placeOf(at, open + after));
  return rows.filter((row, i) => row < at.length && row !== rows[i + 1]);
}

function word(name, text, kind) {
  const holder = document.createElement("span");
  if (name) {
    const label = document.createElement("i");
    label.textContent = name;
    holder.append(label, " ");
  }
  const value = document.createElement("b");
  value.textContent = text;
  if (kind) value.className = kind;
  holder.append(value);
  return holder;
}
