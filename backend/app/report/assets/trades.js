/* The trades as a model: filtered, sorted, summed. Nothing here touches the page. */

const SORTS = {
  number: (t) => t.number,
  symbol: (t) => t.symbol,
  strategy: (t) => t.strategy,
  side: (t) => t.side,
  quantity: (t) => t.quantity,
  entryAt: (t) => t.entryAt,
  exitAt: (t) => t.exitAt,
  entry: (t) => t.entry,
  exit: (t) => t.exit,
  held: (t) => t.held,
  fees: (t) => t.fees,
  profit: (t) => t.profit,
};

/* Rows of the page's table as objects. */
function tradesOf(table) {
  const found = [];
  for (let i = 0; table && i < table.rows; i++) {
    found.push({
      number: i + 1,
      symbol: wordAt(table.symbol, i),
      strategy: wordAt(table.strategy, i),
      side: wordAt(table.side, i),
      quantity: table.quantity[i],
      entryAt: table.entryAt[i],
      exitAt: table.exitAt[i], // NaN: it is open
      entry: table.entry[i],
      exit: table.exit[i],
      held: (table.exitAt[i] - table.entryAt[i]) / 1000,
      fees: table.fees[i],
      profit: table.profit[i],
      own: table.own[i], // the same in the account's currency
      ownFees: (table.ownFees || table.fees)[i],
      firstFill: table.firstFill[i],
      lastFill: table.lastFill[i],
    });
  }
  return found;
}

/* Those that pass: each filter is a value, or "" for all. */
function passing(trades, { symbol = "", strategy = "", side = "", outcome = "" }) {
  const ends = {
    win: (t) => t.exitAt === t.exitAt && t.profit > 0,
    loss: (t) => t.exitAt === t.exitAt && t.profit < 0,
    open: (t) => t.exitAt !== t.exitAt,
  };
  return trades.filter((t) =>
    (!symbol || t.symbol === symbol) && (!strategy || t.strategy === strategy)
    && (!side || t.side === side) && (!outcome || ends[outcome](t)));
}

/* A sorted copy; what is missing comes last either way, equals keep their order. */
function sorted(trades, name, falls) {
  const key = SORTS[name];
  const direction = falls ? -1 : 1;
  return [...trades].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x !== x || y !== y) return (x !== x) - (y !== y);
    if (x === y) return a.number - b.number;
    return (x < y ? -1 : 1) * direction;
  });
}

function summed(trades) {
  let [profit, fees, wins, losses, closed] = [0, 0, 0, 0, 0];
  for (const one of trades) {
    profit += one.own;
    fees += one.ownFees;
    if (one.exitAt !== one.exitAt) continue;
    closed += 1;
    wins += one.profit > 0;
    losses += one.profit < 0;
  }
  return { count: trades.length, closed, profit, fees, wins, losses };
}
