/* The table of trades: only the rows that are seen are on the page, however many there are. */

const ROW = 30; // pixels, as in the style sheet

const COLUMNS = [
  ["number", "#", (t) => String(t.number)],
  ["symbol", "Symbol", (t) => t.symbol],
  ["strategy", "Strategy", (t) => t.strategy],
  ["side", "Side", (t) => t.side],
  ["quantity", "Quantity", (t) => quantity(t.quantity)],
  ["entryAt", "Entry", (t) => clock.both(t.entryAt)],
  ["exitAt", "Exit", (t) => (t.exitAt === t.exitAt ? clock.both(t.exitAt) : "open")],
  ["entry", "Entry price", (t) => price(roundPrice(t.entry))],
  ["exit", "Exit price", (t) => price(roundPrice(t.exit))],
  ["held", "Held", (t) => (t.held === 0 ? "within a bar" : lasting(t.held))],
  ["fees", "Fees", (t) => grouped(t.fees, 2)],
  ["profit", "Profit", (t) => signed(t.profit, 2)],
];
const WORDY = new Set(["symbol", "strategy", "side"]);
const roundPrice = (value) => Number(value.toPrecision(9));

class TradeTable {
  constructor(root, trades, currency, onChoose) {
    this.currency = currency; // the account's
    this.root = root;
    this.trades = trades;
    this.onChoose = onChoose;
    this.sort = { name: "number", falls: false };
    this.chosen = null; // a trade
    this.frame = root.querySelector(".rows");
    this.body = root.querySelector("tbody");
    this.head();
    this.filters();
    this.frame.addEventListener("scroll", () => this.paint(), { passive: true });
    new ResizeObserver(() => this.paint()).observe(this.frame);
    this.body.addEventListener("click", (event) => this.clicked(event));
    this.frame.addEventListener("keydown", (event) => this.pressed(event));
    this.update();
  }

  head() {
    const row = document.createElement("tr");
    for (const [name, title] of COLUMNS) {
      const cell = document.createElement("th");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = title;
      button.addEventListener("click", () => this.sortBy(name));
      cell.scope = "col";
      cell.dataset.name = name;
      cell.className = WORDY.has(name) ? "word" : "";
      cell.append(button);
      row.append(cell);
    }
    this.root.querySelector("thead").replaceChildren(row);
  }

  filters() {
    const distinct = (name) => [...new Set(this.trades.map((one) => one[name]))].sort();
    this.choices = [...this.root.querySelectorAll(".filters select")];
    for (const choice of this.choices) {
      if (choice.name !== "outcome") {
        choice.append(...distinct(choice.name).map((text) => new Option(text, text)));
      }
      choice.addEventListener("change", () => this.update());
    }
    this.root.querySelector(".clear").addEventListener("click", () => this.clear());
  }

  sortBy(name) {
    this.sort = { name, falls: this.sort.name === name ? !this.sort.falls : false };
    this.update();
  }

  update() {
    const wanted = Object.fromEntries(this.choices.map((one) => [one.name, one.value]));
    const kept = passing(this.trades, wanted);
    this.seen = sorted(kept, this.sort.name, this.sort.falls);
    for (const cell of this.root.querySelectorAll("th")) {
      const own = cell.dataset.name === this.sort.name;
      cell.setAttribute("aria-sort", own ? (this.sort.falls ? "descending" : "ascending") : "none");
    }
    this.frame.scrollTop = 0;
    this.tell(summed(kept));
    this.paint();
  }

  tell({ count, closed, profit, fees, wins, losses }) {
    const all = this.trades.length;
    const which = count === all ? `${grouped(all, 0)} trades` : `${grouped(count, 0)} of ${grouped(all, 0)} trades`;
    const open = count > closed ? ` (${grouped(count - closed, 0)} open)` : "";
    this.root.querySelector(".sum").replaceChildren(
      word("", which + open), word("won", closed ? percent(wins / closed, 1) : "–"),
      word("lost", closed ? percent(losses / closed, 1) : "–"),
      word("fees", grouped(fees, 2)), word("profit", `${signed(profit, 2)} ${this.currency}`, profit < 0 ? "loss" : "gain"),
    );
  }

  paint() {
    const first = Math.max(0, Math.floor(this.frame.scrollTop / ROW) - 5);
    const many = Math.ceil(this.frame.clientHeight / ROW) + 10;
    const rows = this.seen.slice(first, first + many).map((trade) => this.row(trade));
    const rest = Math.max(0, this.seen.length - first - rows.length);
    this.body.replaceChildren(spacer(first * ROW), ...rows, spacer(rest * ROW));
    this.root.querySelector("table").setAttribute("aria-rowcount", this.seen.length + 1);
    this.root.classList.toggle("none", this.seen.length === 0);
  }

  row(trade) {
    const row = document.createElement("tr");
    row.dataset.number = trade.number;
    row.tabIndex = -1;
    if (this.chosen === trade) row.className = "chosen";
    for (const [name, , text] of COLUMNS) {
      const cell = row.insertCell();
      cell.textContent = text(trade);
      cell.dataset.name = name;
      if (WORDY.has(name)) cell.className = "word";
      if (name === "profit" && trade.profit) cell.className = trade.profit < 0 ? "loss" : "gain";
    }
    return row;
  }

  clicked(event) {
    const row = event.target.closest("tr[data-number]");
    if (row) this.choose(this.trades[Number(row.dataset.number) - 1]);
  }

  /* Up and down walk the trades, with the chart beside them. */
  pressed(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || !this.seen.length) return;
    event.preventDefault();
    const at = this.seen.indexOf(this.chosen);
    const next = Math.min(this.seen.length - 1, Math.max(0, at + by));
    const top = next * ROW;
    const room = this.frame.clientHeight - 2 * ROW;
    if (top < this.frame.scrollTop) this.frame.scrollTop = top;
    else if (top > this.frame.scrollTop + room) this.frame.scrollTop = top - room;
    this.choose(this.seen[next]);
  }

  /* The trade of a fill; its row comes into sight, whatever the filters. */
  chooseFill(symbol, { strategy, number }) {
    const trade = this.trades.find((t) => t.symbol === symbol && t.strategy === strategy
      && t.firstFill <= number && number <= t.lastFill);
    if (!trade) return;
    if (!this.seen.includes(trade)) this.clear();
    this.frame.scrollTop = Math.max(0, this.seen.indexOf(trade) * ROW - this.frame.clientHeight / 2);
    this.choose(trade);
  }

  clear() {
    for (const choice of this.choices) choice.value = "";
    this.update();
  }

  choose(trade) {
    this.chosen = trade;
    this.paint();
    this.onChoose(trade);
  }
}

function spacer(height) {
  const row = document.createElement("tr");
  row.className = "spacer";
  row.setAttribute("aria-hidden", "true");
  row.insertCell().colSpan = COLUMNS.length;
  row.style.height = `${height}px`;
  return row;
}
