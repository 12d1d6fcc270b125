/* Where a time axis has its marks: at sessions while many are seen, at minutes when few are. */

const APART = 84; // pixels between two marks, at least
const MINUTES = [1, 5, 15, 30, 60, 120, 240];
const ROWS_WALKED = 4000; // beyond these, marks stand at sessions alone

function timeTicks(span, pixels, msAt, sessions) {
  const about = Math.max(2, Math.floor(pixels / APART));
  const first = span.first();
  const end = span.end();
  const from = Math.max(0, placeOf(sessions, first + 1) - 1);
  const to = placeOf(sessions, end);
  if (to - from > about || !sessions.length || end - first > ROWS_WALKED) {
    return sessions.length ? sessionTicks(sessions.slice(from, to), about, first, msAt) : [];
  }
  const inDay = minuteTicks(first, end, about, msAt);
  return inDay.length > 1 ? inDay : sessionTicks(sessions.slice(from, to), about, first, msAt);
}

/* At every n-th session, or at the first of each month or year where those are closer. */
function sessionTicks(rows, about, first, msAt) {
  const found = [];
  const seen = rows.filter((row) => row >= first);
  const dates = seen.map((row) => clock.local(msAt(row)));
  const months = seen.filter((_, i) => i > 0 && dates[i].getUTCMonth() !== dates[i - 1].getUTCMonth());
  const byMonth = seen.length > 3 * about && months.length > 1;
  const every = Math.ceil((byMonth ? months.length : seen.length) / about);
  let year = null;
  (byMonth ? months : seen).forEach((row, i) => {
    if (i % every) return;
    const at = clock.local(msAt(row));
    const isNew = year !== null && at.getUTCFullYear() !== year;
    const isFirst = year === null;
    year = at.getUTCFullYear();
    const month = MONTHS[at.getUTCMonth()];
    const text = byMonth ? month : `${at.getUTCDate()} ${month}`;
    found.push({ row, text: isNew || (isFirst && byMonth) ? `${month} ${year}` : text, strong: isNew });
  });
  return found;
}

/* At round minutes of the market's clock; a session's first bar carries its date. */
function minuteTicks(first, end, about, msAt) {
  const rows = [];
  for (let row = first; row < end; row++) {
    const at = clock.local(msAt(row));
    rows.push([row, at.getUTCHours() * 60 + at.getUTCMinutes(), at]);
  }
  const opens = (i) => i > 0 && rows[i][2].getUTCDate() !== rows[i - 1][2].getUTCDate();
  for (const step of MINUTES) {
    const found = [];
    let last = -Infinity;
    const apart = ((end - first) / about) * 0.75;
    rows.forEach(([row, minute, at], i) => {
      if (opens(i)) {
        if (found.length && row - found.at(-1).row < apart) found.pop();
        found.push({ row, text: `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}`, strong: true });
        last = row;
      } else if (minute % step === 0 && row - last >= apart) {
        found.push({ row, text: `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`, strong: false });
        last = row;
      }
    });
    if (rows.filter(([, minute]) => minute % step === 0).length <= about * 1.5) return found;
  }
  return [];
}
