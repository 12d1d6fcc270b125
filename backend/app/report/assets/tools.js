/* What stands above the price chart: symbol, candles, sessions, what is drawn. */

function startTools(price) {
  const { root, facts } = price;
  const find = (name) => root.querySelector("." + name);
  find("symbol").replaceChildren(...Object.keys(facts.bars).map((name) => new Option(name, name)));
  find("symbol").addEventListener("change", (event) => price.show(event.target.value));
  const minutes = Math.min(...Object.values(facts.bars).map((one) => one.minutes));
  const sizes = LADDER.filter((one) => one >= minutes && one % minutes === 0)
    .map((one) => ({ key: one < 60 ? `${one}m` : `${one / 60}h`, minutes: one }));
  sizes.push({ key: "1d", sessions: 1 });
  find("size").replaceChildren(new Option("auto", ""), ...sizes.map(({ key }) => new Option(key, key)));
  find("size").addEventListener("change", (event) => {
    price.size = sizes.find(({ key }) => key === event.target.value) || null;
    price.chart.draw();
  });
  find("session").addEventListener("change", (event) => price.showNumber(Number(event.target.value)));
  const actions = {
    before: () => price.step(-1),
    after: () => price.step(1),
    closer: () => price.chart.zoom(0.5),
    wider: () => price.chart.zoom(2),
    whole: () => price.chart.showAll(),
  };
  for (const [name, act] of Object.entries(actions)) find(name).addEventListener("click", act);
  for (const box of root.querySelectorAll(".shows input")) {
    box.addEventListener("change", () => {
      price.shows[box.name] = box.checked;
      price.chart.panes = price.panes();
      price.chart.draw();
      price.tell(null);
    });
  }
}
