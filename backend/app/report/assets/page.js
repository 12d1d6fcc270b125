/* What the page does when it opens: the curve at once, the rest as it is ready. */

let clock = new MarketClock([]);

const nextFrame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));

async function start() {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const store = new Store(facts.tables);
  clock = new MarketClock(facts.offsets);
  document.documentElement.classList.add("alive");
  startTheme(document.getElementById("theme"));
  startCopying();
  const part = (id) => document.getElementById(id);
  await startEquity(part("equity"), store, facts);
  await nextFrame();
  const trades = tradesOf(await store.table("trades"));
  let priceChart = null;
  const show = startTradeDetails(part("trades"), store, () => priceChart);
  const table = trades.length ? new TradeTable(part("trades"), trades, facts.currency, show) : null;
  const sessions = await store.table("sessions");
  startDistributions(part("distributions"), trades, sessions ? [...sessions.change] : [], facts.slices);
  await nextFrame();
  if (Object.keys(facts.bars).length) {
    priceChart = new PriceChart(part("chart"), store, facts);
    priceChart.onFill = (fill) => table && table.chooseFill(priceChart.symbol, fill);
    await priceChart.show(Object.keys(facts.bars)[0]);
  }
  document.documentElement.dataset.readyMs = performance.now();
  document.documentElement.dataset.ready = "yes"; // for whoever waits for all of it
}

function startCopying() {
  for (const button of document.querySelectorAll("button[data-copies]")) {
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copies).textContent;
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(document.getElementById(button.dataset.copies));
      }
    });
  }
}

start().catch((error) => {
  const note = document.getElementById("trouble");
  note.hidden = false;
  note.append(" " + error);
  throw error;
});
