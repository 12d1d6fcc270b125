/* Scales, ticks and words for numbers and times. Nothing here touches the page. */

/* Round steps between two numbers, about so many of them. */
function ticks(low, high, about) {
  const rough = (high - low) / Math.max(about, 1);
  if (!(rough > 0) || !isFinite(rough)) return [];
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * ([1, 2, 5].find((many) => many * unit >= rough * 0.999) || 10);
  const found = [];
  const last = Math.floor(high / step + 1e-9);
  for (let i = Math.ceil(low / step - 1e-9); i <= last; i++) found.push(i * step);
  return found;
}

/* As many decimals as tell these ticks apart. */
function decimalsOf(values) {
  if (values.length < 2) return 2;
  const step = Math.abs(values[1] - values[0]);
  return Math.max(0, Math.min(8, -Math.floor(Math.log10(step) + 1e-9)));
}

function grouped(value, decimals) {
  if (value !== value) return "–";
  const text = Math.abs(value).toFixed(decimals);
  const [whole, part] = text.split(".");
  const body = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? "." + part : "");
  return (value < 0 && Number(text) !== 0 ? "−" : "") + body;
}

function signed(value, decimals) {
  return (value > 0 && Number(value.toFixed(decimals)) !== 0 ? "+" : "") + grouped(value, decimals);
}

function percent(share, decimals = 2) {
  return share === share ? grouped(share * 100, decimals) + "%" : "–";
}

/* A price as it is written: no zeros that say nothing, two decimals at least. */
function price(value) {
  if (value !== value) return "–";
  const text = value.toFixed(8).replace(/0+$/, "");
  const decimals = Math.max(2, text.length - text.indexOf(".") - 1);
  return grouped(value, decimals);
}

function quantity(value) {
  const text = String(Number(value.toFixed(8)));
  return grouped(value, text.includes(".") ? text.length - text.indexOf(".") - 1 : 0);
}

function lasting(seconds) {
  if (seconds !== seconds) return "–";
  const parts = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const at = parts.findIndex(([, size]) => seconds >= size);
  if (at < 0) return seconds ? grouped(seconds, 1) + " s" : "0";
  const first = Math.floor(seconds / parts[at][1]);
  const rest = at < 3 ? Math.floor((seconds % parts[at][1]) / parts[at + 1][1]) : 0;
  return `${first} ${parts[at][0]}` + (rest ? ` ${rest} ${parts[at + 1][0]}` : "");
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const two = (number) => String(number).padStart(2, "0");

/* The market's own time: its distance from UTC changes at the instants given, in milliseconds. */
class MarketClock {
  constructor(offsets) {
    this.since = offsets.map(([since]) => since);
    this.minutes = offsets.map(([, minutes]) => minutes);
  }

  local(ms) {
    const at = Math.max(0, placeOf(this.since, ms + 1) - 1);
    return new Date(ms + (this.minutes[at] || 0) * 60000);
  }

  date(ms) {
    const at = this.local(ms);
    return `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
  }

  time(ms) {
    const at = this.local(ms);
    const seconds = at.getUTCSeconds();
    return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}` + (seconds ? ":" + two(seconds) : "");
  }

  both(ms) {
    return ms === ms ? `${this.date(ms)} ${this.time(ms)}` : "–";
  }
}
