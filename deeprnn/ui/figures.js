// Draws charts (see figures.py) as SVG, with what a reader does with one: another axis, a reading under the pointer, the
// table behind it, the picture and the numbers as files. dom.js stands before it.
const HIGH = 380;
const narrow = () => window.innerWidth < 700; // a phone: fewer units across, so that words stay as large
const wide = () => (narrow() ? 330 : 720);
const gutter = () => (narrow() ? 92 : 190);
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
  const rough = (to - from) / 4, unit = 10 ** Math.floor(Math.log10(rough));
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

function frame(svg, x, y, labels, box, marks) {
  ticks(y.least, y.most, y.log).forEach((value) => {
    svg.append(shape('line', { x1: box.left, x2: box.right, y1: y.at(value), y2: y.at(value), class: 'grid' }));
    svg.append(shape('text', { x: box.left - 8, y: y.at(value) + 4, 'text-anchor': 'end' }, short(value)));
  });
  marks.forEach((value) => {
    svg.append(shape('line', { x1: x.at(value), x2: x.at(value), y1: box.bottom, y2: box.bottom + 5, class: 'grid' }));
    svg.append(shape('text', { x: x.at(value), y: box.bottom + 19, 'text-anchor': 'middle' }, short(value)));
  });
  svg.append(shape('text', { x: (box.left + box.right) / 2, y: HIGH - 4, 'text-anchor': 'middle' }, labels.x));
  svg.append(shape('text', { x: 2, y: 13 }, labels.y));
}

function lines(chart, axis) {
  const box = { left: 52, right: wide() - 14, top: 24, bottom: HIGH - 44 };
  const svg = shape('svg', { viewBox: `0 0 ${wide()} ${HIGH}`, class: 'chart', role: 'img', 'aria-label': `${chart.name}: ${chart.y}, ${chart.xs[axis]}` });
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
function dots(chart) {
  const left = gutter(), right = wide() - 60, step = 34, high = chart.rows.length * step + 52;
  const svg = shape('svg', { viewBox: `0 0 ${wide()} ${high}`, class: 'chart', role: 'img', 'aria-label': `${chart.name}: ${chart.x.label}` });
  const values = chart.rows.flatMap((row) => [row.value - (row.half || 0), row.value + (row.half || 0), row.train]);
  const x = scale(values, left, right, true);
  ticks(x.least, x.most, true).forEach((value) => {
    svg.append(shape('line', { x1: x.at(value), x2: x.at(value), y1: 8, y2: high - 38, class: 'grid' }));
    svg.append(shape('text', { x: x.at(value), y: high - 22, 'text-anchor': 'middle' }, short(value)));
  });
  svg.append(shape('text', { x: (left + right) / 2, y: high - 4, 'text-anchor': 'middle' }, chart.x.label));
  chart.rows.forEach((row, index) => {
    const at = 24 + index * step;
    const group = shape('g', { class: row.cell });
    svg.append(shape('text', { x: 0, y: at + 4, class: 'ink' }, row.name));
    group.append(shape('line', { x1: x.at(row.train), x2: x.at(row.value), y1: at, y2: at, class: 'thread' }));
    if (row.half) group.append(shape('line', { x1: x.at(Math.max(row.value - row.half, x.least)), x2: x.at(row.value + row.half), y1: at, y2: at, class: 'interval' }));
    group.append(shape('circle', { cx: x.at(row.train), cy: at, r: 4, class: 'hollow' }));
    group.append(shape('circle', { cx: x.at(row.value), cy: at, r: 6, class: 'full' }));
    svg.append(group, shape('text', { x: x.at(row.value + (row.half || 0)) + 11, y: at + 4, class: 'ink' }, digits(row.value)));
  });
  return { svg };
}

// Rows x columns; the text in a cell says what its colour says.
function matrix(chart) {
  const left = gutter(), top = 44, step = 38, across = (wide() - left) / chart.columns.length;
  const high = top + chart.rows.length * step + 4;
  const svg = shape('svg', { viewBox: `0 0 ${wide()} ${high}`, class: 'chart', role: 'img', 'aria-label': chart.name });
  svg.append(shape('text', { x: 0, y: 14 }, chart.labels.down), shape('text', { x: left, y: 14 }, chart.labels.across));
  chart.columns.forEach((name, column) => svg.append(shape('text', { x: left + (column + 0.5) * across, y: 36, 'text-anchor': 'middle', class: 'ink' }, name)));
  chart.rows.forEach((name, row) => {
    const at = top + row * step;
    svg.append(shape('text', { x: 0, y: at + 24, class: 'ink' }, name));
    chart.cells[row].forEach((cell, column) => {
      const box = { x: left + column * across + 1, y: at + 1, width: across - 2, height: step - 2, rx: 4 };
      const group = shape('g', {});
      group.append(shape('title', {}, `${name} → ${chart.columns[column]}: ${cell.title}`));
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

const STYLED = ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-dasharray', 'font-size', 'font-weight', 'font-family'];

// The picture as a file of its own: what the style sheet says is written into it.
function standalone(svg) {
  const copy = svg.cloneNode(true);
  const from = [svg, ...svg.querySelectorAll('*')], to = [copy, ...copy.querySelectorAll('*')];
  from.forEach((one, index) => {
    const style = getComputedStyle(one);
    STYLED.forEach((name) => to[index].setAttribute(name, style.getPropertyValue(name)));
  });
  const [, , width, height] = svg.getAttribute('viewBox').split(' ');
  copy.setAttribute('xmlns', SVG);
  copy.setAttribute('width', width);
  copy.setAttribute('height', height);
  const paper = shape('rect', { width, height, fill: getComputedStyle(svg).backgroundColor });
  copy.prepend(paper);
  return { text: new XMLSerializer().serializeToString(copy), width: Number(width), height: Number(height) };
}

function savePng(svg, name) {
  const { text, width, height } = standalone(svg);
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
function follow(drawn, chart, axis, readout) {
  const pointer = drawn.svg.querySelector('.pointer');
  const read = (event) => {
    const box = drawn.svg.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * drawn.svg.viewBox.baseVal.width;
    const distance = (place) => Math.abs(drawn.x.at(place) - at);
    const places = chart.series.flatMap((one) => one.points.map((p) => p[axis]));
    const nearest = places.reduce((best, place) => (distance(place) < distance(best) ? place : best));
    pointer.setAttribute('visibility', 'visible');
    pointer.setAttribute('x1', drawn.x.at(nearest));
    pointer.setAttribute('x2', drawn.x.at(nearest));
    readout.replaceChildren(node('b', '', `${chart.xs[axis]}: ${nearest.toLocaleString()}`));
    chart.series.forEach((one) => {
      const point = one.points.reduce((best, p) => (distance(p[axis]) < distance(best[axis]) ? p : best));
      const [value, half] = point.slice(chart.xs.length);
      const where = point[axis] === nearest ? '' : ` (${point[axis].toLocaleString()})`; // its own nearest look
      readout.append(node('span', one.cell, `${one.name} ${digits(value)}${half ? ' ± ' + digits(half) : ''}${where}`));
    });
  };
  ['pointerdown', 'pointermove'].forEach((name) => drawn.svg.addEventListener(name, read)); // a finger's touch moves nothing
}

// One figure: the charts to choose between, the axes, the picture, its legend, table and files.
function figure(charts, key, labels) {
  const made = node('figure', 'figure');
  let chosen = 0, axis = 0;
  const redraw = () => {
    const chart = charts[chosen];
    const drawn = DRAWN[chart.kind](chart, axis);
    const bar = node('div', 'bar');
    if (charts.length > 1) bar.append(segments(charts.map((one, index) => [index, one.name]), chosen, (picked) => { chosen = picked; axis = 0; redraw(); }));
    if (chart.kind === 'lines' && chart.xs.length > 1) bar.append(segments(chart.xs.map((name, index) => [index, name]), axis, (picked) => { axis = picked; redraw(); }));
    const files = node('div', 'tools');
    const name = `${key}-${chosen + 1}`;
    files.append(
      button('', labels.svg, () => save(name + '.svg', 'image/svg+xml', standalone(drawn.svg).text)),
      button('', labels.png, () => savePng(drawn.svg, name + '.png')),
      button('', labels.csv, () => save(name + '.csv', 'text/csv', '\ufeff' + csvOf(chart))),
    );
    made.replaceChildren(bar, drawn.svg, legend(chart));
    if (chart.kind === 'lines') {
      const readout = node('p', 'explain', labels.readout);
      follow(drawn, chart, axis, readout);
      made.append(readout);
    }
    if (chart.table) {
      const fold = node('details');
      fold.append(node('summary', '', labels.table), tableOf(chart.table.columns, chart.table.rows));
      made.append(fold);
    }
    made.append(files);
  };
  redraw();
  return made;
}
