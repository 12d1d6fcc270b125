/* What hands do on a chart: drag, pinch, wheel, double click, keys. Each ends in a call of `chart`.
   The wheel zooms only a chart that was clicked, or with Ctrl: else the page scrolls on. */

const KEYS = {
  ArrowLeft: (chart) => chart.pan(-0.2),
  ArrowRight: (chart) => chart.pan(0.2),
  ArrowUp: (chart) => chart.zoom(0.7),
  ArrowDown: (chart) => chart.zoom(1 / 0.7),
  "+": (chart) => chart.zoom(0.7),
  "=": (chart) => chart.zoom(0.7),
  "-": (chart) => chart.zoom(1 / 0.7),
  Home: (chart) => chart.pan(-Infinity),
  End: (chart) => chart.pan(Infinity),
  0: (chart) => chart.showAll(),
};

function listen(canvas, chart, keys = {}) {
  const known = { ...KEYS, ...keys };
  canvas.addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? null : known[event.key];
    if (!act) return;
    event.preventDefault();
    act(chart);
  });
  canvas.addEventListener("wheel", (event) => wheel(event, canvas, chart), { passive: false });
  canvas.addEventListener("dblclick", () => chart.showAll());
  canvas.addEventListener("pointerleave", () => chart.point(null));
  drag(canvas, chart);
}

function wheel(event, canvas, chart) {
  const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
  if (!sideways && !event.ctrlKey && document.activeElement !== canvas) return;
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 16 : 1;
  if (sideways) chart.pan(((event.deltaX || event.deltaY) * lines) / canvas.clientWidth);
  else chart.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY * lines)) * 0.004), event.offsetX);
}

/* One pointer pans; two pinch. */
function drag(canvas, chart) {
  const down = new Map();
  let moved = 0;
  const spread = () => {
    const [a, b] = [...down.values()];
    return { distance: Math.max(Math.abs(a - b), 8), middle: (a + b) / 2 };
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, event.offsetX);
    moved = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!down.has(event.pointerId)) {
      chart.point({ x: event.offsetX, y: event.offsetY });
      return;
    }
    const before = down.size === 2 ? spread() : null;
    const step = event.offsetX - down.get(event.pointerId);
    down.set(event.pointerId, event.offsetX);
    moved += Math.abs(step);
    if (before) {
      const now = spread();
      chart.zoom(before.distance / now.distance, now.middle);
    } else if (down.size === 1) {
      chart.pan(-step / chart.plotWidth());
    }
  });
  const up = (event) => {
    if (down.delete(event.pointerId) && moved < 4 && event.type === "pointerup") {
      chart.point({ x: event.offsetX, y: event.offsetY });
      chart.pick({ x: event.offsetX, y: event.offsetY });
    }
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
}
