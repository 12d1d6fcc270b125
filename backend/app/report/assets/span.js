/* The stretch of rows that a chart shows: panned and zoomed, never out of bounds. */

class Span {
  constructor(count, least = 20) {
    this.count = count;
    this.least = Math.min(least, Math.max(count, 1));
    this.from = 0;
    this.to = Math.max(count, 1);
  }

  get width() {
    return this.to - this.from;
  }

  set(from, to) {
    const most = Math.max(this.count, 1);
    const width = Math.min(Math.max(to - from, this.least), most);
    const middle = (from + to) / 2;
    this.from = Math.min(Math.max(middle - width / 2, 0), most - width);
    this.to = this.from + width;
  }

  pan(rows) {
    this.set(this.from + rows, this.to + rows);
  }

  /* By a factor, around a row that stays where it is. */
  zoom(factor, row) {
    const most = Math.max(this.count, 1);
    const width = Math.min(Math.max(this.width * factor, this.least), most);
    const share = (row - this.from) / this.width;
    this.set(row - share * width, row + (1 - share) * width);
  }

  all() {
    this.set(0, this.count);
  }

  first() {
    return Math.max(0, Math.floor(this.from));
  }

  end() {
    return Math.min(this.count, Math.ceil(this.to));
  }

  xOf(row, plot) {
    return plot.left + ((row - this.from) / this.width) * plot.width;
  }

  rowAt(x, plot) {
    return this.from + ((x - plot.left) / plot.width) * this.width;
  }
}
