// Draws charts (see figures.py) as SVG, with what a reader does with one: another axis, a reading under the pointer, the
// table behind it, the picture and the numbers as files. dom.js stands before it.
const HIGH = 380;
const measure = node('canvas').getContext('2d');

// How wide some words are, in pixels.
function wordsWide(text, size = 12) {
  measure.font = `${size}px system-ui, "PingFang SC", "Noto Sans CJK SC", sans-serif`;
  return measure.measureText(text).width;
}

// Room for the longest of the names that stand left of a picture.
const gutter = (names, width) => Math.min(Math.max(...names.map((name) => wordsWide(name))) + 14, width / 2);
const digits = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(3));
const short = (value) => (value >= 1e9 ? value.toExponential(0) : value >= 1e6 ? value / 1e6 + ' M' : value >= 1e3 ? value / 1e3 + ' k' : String(value));

// The round values between two ends, three at least: 1, 2, 5, 10 ... on a log scale that is long enough, even ones else.
function ticks(from, to, log) {
  if (!(to > from)) return [from];
  const inside = (value) => value >= from * (1 - 1e-9) && value <= to * (1 + 1e-9);
  for (const steps of log ? [[1], [1, 2, 5], [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8]] : []) {
    const found = [];
    for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); power++) {
      found.push(...steps.map((step) => Number((step * 10 ** power).toPrecision(3))).filter(inside));
    }
    if (found.length >= 3) return found.filter((value, index) => index % Math.ceil(found.length / 12) === 0);
  }
  const rough = (to - from) / 6, unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * unit).find((candidate) => candidate >= rough);
  const found = [];
  for (let at = Math.ceil(from / step); at * step <= to; at++) found.push(Number((at * step).toPrecision(6)));
  return found.filter(inside);
}

function scale(values, start, end, log) {
  const spread = log ? Math.log : (value) => value;
  const least = Math.min(...values), most = Math.max(...values);
  const width = spread(most) - spread(least) || 1;
  return { least, most, log, at: (value) => start + ((spread(value) - spread(least)) / width) * (end - start) };
}

// The marks whose numbers do not run into each other.
function apart(marks, x) {
  let end = -Infinity;
  return marks.filter((value) => {
    const half = wordsWide(short(value)) / 2;
    if (x.at(value) - half < end + 6) return false;
    end = x.at(value) + half;
    return true;
  });
}

function frame(svg, x, y, labels, box, marks) {
  ticks(y.least, y.most, y.log).forEach((value) => {
    svg.append(shape('line', { x1: box.left, x2: box.right, y1: y.at(value), y2: y.at(value), class: 'grid' }));
    svg.append(shape('text', { x: box.left - 8, y: y.at(value) + 4, 'text-anchor': 'end' }, short(value)));
  });
  apart(marks, x).forEach((value) => {
    svg.append(shape('line', { x1: x.at(value), x2: x.at(value), y1: box.bottom, y2: box.bottom + 5, class: 'grid' }));
    svg.append(shape('text', { x: x.at(value), y: box.bottom + 19, 'text-anchor': 'middle' }, short(value)));
  });
  svg.append(shape('text', { x: (box.left + box.right) / 2, y: HIGH - 4, 'text-anchor': 'middle' }, labels.x));
  svg.append(shape('text', { x: 2, y: 13 }, labels.y));
}

function lines(chart, width, axis) {
  const box = { left: 52, right: width - 14, top: 24, bottom: HIGH - 44 };
  const svg = shape('svg', { viewBox: `0 0 ${width} ${HIGH}`, class: 'chart', role: 'img', 'aria-label': `${chart.name}: ${chart.y}, ${chart.xs[axis]}` });
  const points = chart.series.flatMap((one) => one.points);
  const last = chart.xs.length;
  const ends = points.flatMap((p) => [p[last] - (p[last + 1] || 0), p[last] + (p[last + 1] || 0)]).filter((value) => value > 0);
  const x = scale(points.map((p) => p[axis]), box.left + 6, box.right - 6, chart.log_x);
  const y = scale([...ends, ...chart.rules.map((rule) => rule.y)], box.bottom - 4, box.top, true);
  frame(svg, x, y, { x: chart.xs[axis], y: chart.y }, box, chart.ticks.length ? chart.ticks : ticks(x.least, x.most, chart.log_x));
  chart.rules.forEach((rule) => {
    svg.append(shape('line', { x1: box.left, x2: box.right, y1: y.at(rule.y), y2: y.at(rule.y), class: 'rule' }));
    svg.append(shape('text', { x: box.right, y: y.at(rule.y) - 5, 'text-anchor': 'end' }, rule.name));
  });
  chart.series.forEach((one) => {
    const group = shape('g', { class: one.cell });
    const path = one.points.map((p) => `${x.at(p[axis]).toFixed(1)},${y.at(p[last]).toFixed(1)}`).join(' ');
    group.append(shape('polyline', { points: path, class: one.thin ? 'curve thin' : 'curve', 'stroke-dasharray': dash(one.dash) }));
    one.points.forEach((p) => {
      const at = { x: x.at(p[axis]), y: y.at(p[last]) };
      if (p[last + 1]) group.append(shape('line', { x1: at.x, x2: at.x, y1: y.at(Math.max(p[last] - p[last + 1], y.least)), y2: y.at(p[last] + p[last + 1]), class: 'span' }));
      if (one.dots) group.append(shape('circle', { cx: at.x, cy: at.y, r: 4, class: one.dash ? 'hollow' : 'full' }));
    });
    svg.append(group);
  });
  svg.append(shape('line', { x1: 0, x2: 0, y1: box.top, y2: box.bottom, class: 'pointer', visibility: 'hidden' }));
  return { svg, x };
}

// A row a value: training (a ring), held-out (a dot) and its interval.
function dots(chart, width) {
  const left = gutter(chart.rows.map((row) => row.name), width), right = width - 60, step = 34, high = chart.rows.length * step + 52;
  const svg = shape('svg', { viewBox: `0 0 ${width} ${high}`, class: 'chart', role: 'img', 'aria-label': `${chart.name}: ${chart.x.label}` });
  const values = chart.rows.flatMap((row) => [row.value - (row.half || 0), row.value + (row.half || 0), row.train]);
  const x = scale(values, left, right, true);
  apart(ticks(x.least, x.most, true), x).forEach((value) => {
    svg.append(shape('line', { x1: x.at(value), x2: x.at(value), y1: 8, y2: high - 38, class: 'grid' }));
    svg.append(shape('text', { x: x.at(value), y: high - 22, 'text-anchor': 'middle' }, short(value)));
  });
  svg.append(shape('text', { x: (left + right) / 2, y: high - 4, 'text-anchor': 'middle' }, chart.x.label));
  chart.rows.forEach((row, index) => {
    const at = 24 + index * step;
    const group = shape('g', { class: row.cell, 'data-row': index });
    group.append(shape('rect', { x: 0, y: at - step / 2, width, height: step, class: 'touched' })); // all of the row is read
    group.append(shape('text', { x: 0, y: at + 4, class: 'ink' }, row.name));
    group.append(shape('line', { x1: x.at(row.train), x2: x.at(row.value), y1: at, y2: at, class: 'thread' }));
    if (row.half) group.append(shape('line', { x1: x.at(Math.max(row.value - row.half, x.least)), x2: x.at(row.value + row.half), y1: at, y2: at, class: 'interval' }));
    group.append(shape('circle', { cx: x.at(row.train), cy: at, r: 4, class: 'hollow' }));
    group.append(shape('circle', { cx: x.at(row.value), cy: at, r: 6, class: 'full' }));
    group.append(shape('text', { x: x.at(row.value + (row.half || 0)) + 11, y: at + 4, class: 'ink' }, digits(row.value)));
    svg.append(group);
  });
  return { svg };
}

// Rows x columns; the text in a cell says what its colour says.
function matrix(chart, width) {
  const left = gutter([...chart.rows, chart.labels.down], width), step = 38, across = (width - left) / chart.columns.length;
  const tight = Math.max(...chart.columns.map((name) => wordsWide(name))) > across - 6; // then every second name stands higher
  const top = tight ? 60 : 44;
  const high = top + chart.rows.length * step + 4;
  const svg = shape('svg', { viewBox: `0 0 ${width} ${high}`, class: 'chart', role: 'img', 'aria-label': chart.name });
  svg.append(shape('text', { x: 0, y: 14 }, chart.labels.down), shape('text', { x: left, y: 14 }, chart.labels.across));
  chart.columns.forEach((name, column) => svg.append(shape('text', { x: left + (column + 0.5) * across, y: top - 8 - (tight && column % 2 ? 16 : 0), 'text-anchor': 'middle', class: 'ink' }, name)));
  chart.rows.forEach((name, row) => {
    const at = top + row * step;
    svg.append(shape('text', { x: 0, y: at + 24, class: 'ink' }, name));
    chart.cells[row].forEach((cell, column) => {
      const box = { x: left + column * across + 1, y: at + 1, width: across - 2, height: step - 2, rx: 4 };
      const group = shape('g', { 'data-row': row, 'data-column': column });
      group.append(shape('rect', { ...box, class: 'cell', 'fill-opacity': (cell.strength * 0.75).toFixed(3) }));
      if (cell.own) group.append(shape('rect', { ...box, class: 'own' }));
      group.append(shape('text', { x: left + (column + 0.5) * across, y: at + 24, 'text-anchor': 'middle', class: 'ink' }, cell.text));
      svg.append(group);
    });
  });
  return { svg };
}

const DRAWN = { lines, dots, matrix };

function legend(chart) {
  const made = node('div', 'legend');
  const entry = (cell, name, draw) => {
    const one = node('span', cell);
    const sample = shape('svg', { viewBox: '0 0 34 12', width: 34, height: 12, 'aria-hidden': 'true', class: 'chart-key' });
    draw(sample);
    one.append(sample, node('i', '', name));
    made.append(one);
  };
  if (chart.kind === 'lines') {
    chart.series.forEach((one) => entry(one.cell, one.name, (sample) => {
      sample.append(shape('line', { x1: 0, x2: 34, y1: 6, y2: 6, class: one.thin ? 'curve thin' : 'curve', 'stroke-dasharray': dash(one.dash) }));
      if (one.dots) sample.append(shape('circle', { cx: 17, cy: 6, r: 4, class: one.dash ? 'hollow' : 'full' }));
    }));
  } else if (chart.kind === 'dots') {
    entry('base', chart.labels.train, (sample) => sample.append(shape('circle', { cx: 17, cy: 6, r: 4, class: 'hollow' })));
    entry('base', chart.labels.value, (sample) => sample.append(shape('circle', { cx: 17, cy: 6, r: 5, class: 'full' })));
  }
  return made;
}

// Every drawn number, one a line, in full.
function csvOf(chart) {
  const quoted = (value) => (/[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value ?? ''));
  const rows = chart.kind === 'lines'
    ? [['series', ...chart.xs, chart.y, 'half_width_95'], ...chart.series.flatMap((one) => one.points.map((p) => [one.name, ...p]))]
    : [chart.table.columns, ...chart.table.rows];
  return rows.map((row) => row.map(quoted).join(',')).join('\r\n') + '\r\n';
}

const STYLED = ['fill', 'fill-opacity', 'opacity', 'stroke', 'stroke-width', 'stroke-dasharray', 'font-size', 'font-weight', 'font-family'];

// A copy in which stands what the style sheet says.
function dressed(svg) {
  const copy = svg.cloneNode(true);
  const from = svg.querySelectorAll('*'), to = copy.querySelectorAll('*');
  from.forEach((one, index) => {
    const style = getComputedStyle(one);
    STYLED.forEach((name) => to[index].setAttribute(name, style.getPropertyValue(name)));
  });
  copy.querySelectorAll('.pointer, .touched').forEach((one) => one.remove());
  return copy;
}

// A text in lines of a width, broken between words or between Chinese characters.
function broken(text, width, size) {
  const made = [''];
  (text.match(/[\u2e80-\uffef]|[^\s\u2e80-\uffef]+\s*/g) || []).forEach((piece) => {
    if (wordsWide(made.at(-1) + piece.trimEnd(), size) > width) made.push('');
    made[made.length - 1] += piece;
  });
  return made;
}

// The picture as a file of its own: a title above, the legend below.
function standalone(svg, title, entries) {
  const [, , width, high] = svg.getAttribute('viewBox').split(' ').map(Number);
  const style = getComputedStyle(svg), edge = 16, ink = { fill: style.getPropertyValue('--ink').trim(), 'font-family': 'system-ui, sans-serif' };
  const parts = [];
  let top = edge;
  broken(title, width, 15).forEach((line) => {
    parts.push(shape('text', { ...ink, x: edge, y: top + 14, 'font-size': 15, 'font-weight': 600 }, line.trimEnd()));
    top += 21;
  });
  const picture = dressed(svg);
  Object.entries({ x: edge, y: top + 8, width, height: high, overflow: 'visible' }).forEach(([name, value]) => picture.setAttribute(name, value));
  parts.push(picture);
  top += high + 22;
  let left = edge;
  [...entries.children].forEach((entry) => {
    const name = entry.textContent, sample = dressed(entry.querySelector('svg')), long = 42 + wordsWide(name);
    if (left > edge && left + long > width + edge) [left, top] = [edge, top + 20];
    sample.setAttribute('x', left);
    sample.setAttribute('y', top);
    parts.push(sample, shape('text', { ...ink, x: left + 40, y: top + 10, 'font-size': 12 }, name));
    left += long + 18;
  });
  const size = { width: width + 2 * edge, height: top + (left > edge ? 20 : 0) + edge };
  const whole = shape('svg', size);
  whole.append(shape('rect', { ...size, fill: style.backgroundColor }), ...parts);
  return { text: new XMLSerializer().serializeToString(whole), ...size };
}

function savePng({ text, width, height }, name) {
  const image = new Image();
  image.onload = () => {
    const canvas = node('canvas');
    canvas.width = 2 * width;
    canvas.height = 2 * height;
    canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => save(name, 'image/png', blob));
  };
  image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(text);
}

// What the lines say at the place under the pointer.
function readLines(drawn, chart, axis) {
  const pointer = drawn.svg.querySelector('.pointer');
  return (event) => {
    const box = drawn.svg.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * drawn.svg.viewBox.baseVal.width;
    const distance = (place) => Math.abs(drawn.x.at(place) - at);
    const places = chart.series.flatMap((one) => one.points.map((p) => p[axis]));
    const nearest = places.reduce((best, place) => (distance(place) < distance(best) ? place : best));
    pointer.setAttribute('visibility', 'visible');
    pointer.setAttribute('x1', drawn.x.at(nearest));
    pointer.setAttribute('x2', drawn.x.at(nearest));
    return [node('b', '', `${chart.xs[axis]}: ${nearest.toLocaleString()}`), ...chart.series.map((one) => {
      const point = one.points.reduce((best, p) => (distance(p[axis]) < distance(best[axis]) ? p : best));
      const [value, half] = point.slice(chart.xs.length);
      const where = point[axis] === nearest ? '' : ` (${point[axis].toLocaleString()})`; // its own nearest look
      return node('span', one.cell, `${one.name} ${digits(value)}${half ? ' ± ' + digits(half) : ''}${where}`);
    })];
  };
}

// What a row of dots says.
function readDots(drawn, chart) {
  return ({ target }) => {
    const place = target.closest('[data-row]');
    if (!place) return null;
    const row = chart.rows[place.dataset.row];
    const value = digits(row.value) + (row.half ? ' ± ' + digits(row.half) : '');
    return [node('b', row.cell, row.name), node('span', '', `${chart.labels.value} ${value}`), node('span', '', `${chart.labels.train} ${digits(row.train)}`)];
  };
}

// What a cell of a matrix says.
function readMatrix(drawn, chart) {
  return ({ target }) => {
    const cell = target.closest('[data-column]');
    if (!cell) return null;
    const { row, column } = cell.dataset;
    return [node('b', '', `${chart.rows[row]} → ${chart.columns[column]}`), node('span', '', chart.cells[row][column].title)];
  };
}

const READ = { lines: readLines, dots: readDots, matrix: readMatrix };

// One figure: the charts to choose between, the axes, the picture, its legend, table and files. `title` heads the files.
function figure(charts, key, labels, title) {
  let chosen = 0, axis = 0;
  return sized(node('figure', 'figure'), (width, redraw) => {
    const chart = charts[chosen];
    const drawn = DRAWN[chart.kind](chart, width, axis);
    const bar = node('div', 'bar');
    if (charts.length > 1) bar.append(segments(charts.map((one, index) => [index, one.name]), chosen, (picked) => { chosen = picked; axis = 0; redraw(); }));
    if (chart.kind === 'lines' && chart.xs.length > 1) bar.append(segments(chart.xs.map((name, index) => [index, name]), axis, (picked) => { axis = picked; redraw(); }));
    const files = node('div', 'tools'), entries = legend(chart), readout = node('p', 'explain', labels.readout);
    const name = `${key}-${chosen + 1}`, picture = () => standalone(drawn.svg, `${title} · ${chart.name}`, entries);
    files.append(
      button('', labels.svg, () => save(name + '.svg', 'image/svg+xml', picture().text)),
      button('', labels.png, () => savePng(picture(), name + '.png')),
      button('', labels.csv, () => save(name + '.csv', 'text/csv', '\ufeff' + csvOf(chart))),
    );
    const read = READ[chart.kind](drawn, chart, axis);
    pointed(drawn.svg, (event) => {
      const said = read(event);
      if (said) readout.replaceChildren(...said);
    });
    const shown = [bar, drawn.svg, entries, readout, files];
    if (chart.table) {
      const fold = node('details');
      fold.append(node('summary', '', labels.table), tableOf(chart.table.columns, chart.table.rows));
      shown.splice(4, 0, fold);
    }
    return shown;
  });
}
