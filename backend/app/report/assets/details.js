/* A chosen trade: the chart goes there, and its orders and fills stand below the table. */

function startTradeDetails(root, store, priceChart) {
  const place = root.querySelector(".details");
  return async (trade) => {
    const [orders, fills] = [await store.table("orders"), await store.table("fills")];
    const own = fillsOf(trade, fills);
    const numbers = new Set(own.map((i) => fills.order[i]));
    const around = ordersAround(trade, orders, numbers);
    place.hidden = false;
    place.replaceChildren(
      heading(`Trade ${trade.number}: ${trade.side} ${quantity(trade.quantity)} ${trade.symbol}, ${trade.strategy}`),
      tableOf(["Order", "Given", "Ended", "Kind", "Side", "Quantity", "Limit", "Stop", "State", "Reason"],
        around.map((i) => [
          orders.number[i], clock.both(orders.created[i]), clock.both(orders.ended[i]),
          wordAt(orders.kind, i), wordAt(orders.side, i), quantity(orders.quantity[i]),
          price(orders.limit[i]), price(orders.stop[i]), wordAt(orders.state, i), wordAt(orders.reason, i) || "–",
        ])),
      tableOf(["Fill of order", "At", "Quantity", "Price", "Fee"],
        own.map((i) => [
          fills.order[i], clock.both(fills.at[i]), quantity(fills.quantity[i]),
          price(fills.price[i]), grouped(fills.fee[i], 2),
        ])),
    );
    const chart = priceChart();
    if (!chart || !(trade.symbol in chart.facts.bars)) return;
    const picked = { ...trade, orders: new Set(around.map((i) => orders.number[i])) };
    await chart.showTrade(picked);
    chart.root.scrollIntoView({ block: "nearest", behavior: "auto" });
  };
}

/* Fills between its first and its last, of its strategy and its symbol. */
function fillsOf(trade, fills) {
  const found = [];
  for (let i = 0; fills && i < fills.rows; i++) {
    const number = fills.number[i];
    if (number < trade.firstFill || number > trade.lastFill) continue;
    if (wordAt(fills.symbol, i) === trade.symbol && wordAt(fills.strategy, i) === trade.strategy) found.push(i);
  }
  return found;
}

/* Those that filled, and what else its strategy had working in the symbol meanwhile: its stops. */
function ordersAround(trade, orders, numbers) {
  const found = [];
  const until = trade.exitAt === trade.exitAt ? trade.exitAt : Infinity;
  for (let i = 0; orders && i < orders.rows; i++) {
    const mine = wordAt(orders.symbol, i) === trade.symbol && wordAt(orders.strategy, i) === trade.strategy;
    const meanwhile = orders.created[i] < until && !(orders.ended[i] <= trade.entryAt);
    if (mine && (numbers.has(orders.number[i]) || meanwhile)) found.push(i);
  }
  return found;
}

function heading(text) {
  const found = document.createElement("h3");
  found.textContent = text;
  return found;
}

function tableOf(heads, rows) {
  const holder = document.createElement("div");
  holder.className = "wide";
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const text of heads) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = text;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const value of row) line.insertCell().textContent = String(value);
  }
  holder.append(table);
  return holder;
}
