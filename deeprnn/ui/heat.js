// Draws the Score result: a table, and each character coloured by how improbable the chosen model found it.
// Text only ever enters the page through textContent.
function node(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

let chosen = 0;

function table(value) {
  const made = node('table', 'scores');
  const head = node('tr');
  value.columns.forEach((column) => head.append(node('th', '', column)));
  const thead = node('thead');
  thead.append(head);
  const body = node('tbody');
  value.rows.forEach((row) => {
    const line = node('tr');
    const first = node('th', row.cell, row.title);
    first.scope = 'row';
    line.append(first);
    row.figures.forEach((figure) => line.append(node('td', '', figure)));
    body.append(line);
  });
  made.append(thead, body);
  const frame = node('div', 'scroll');
  frame.append(made);
  return frame;
}

// 0 nats is white; 6 nats, one in 400, is full colour.
const strength = (nats) => Math.min(nats / 6, 1);

function heatMap(value) {
  const row = value.rows[chosen];
  const unknown = new Set(row.unknown);
  const map = node('div', 'heat');
  Array.from(value.text).forEach((character, index) => {
    const span = node('span', unknown.has(index) ? 'unknown' : '', character);
    if (index > 0) span.style.setProperty('--heat', strength(row.nats[index - 1]).toFixed(3));
    span.dataset.index = index;
    map.append(span);
  });
  return map;
}

function explain(value, index, line) {
  const character = Array.from(value.text)[index];
  const shown = character === '\n' ? '↵' : character === ' ' ? '␣' : character;
  line.replaceChildren(node('b', '', shown));
  if (index === 0) {
    line.append(node('span', '', value.labels.first));
    return;
  }
  value.rows.forEach((row) => {
    const nats = row.nats[index - 1];
    const p = Math.exp(-nats);
    const percent = p >= 0.001 ? (100 * p).toFixed(1) + '%' : p.toExponential(1);
    line.append(node('span', row.cell, `${row.title}: ${percent} (${nats.toFixed(2)} nats)`));
  });
}

function draw() {
  const root = element.querySelector('.score-result');
  const value = props.value;
  if (!value || !value.rows) {
    root.replaceChildren(node('p', 'empty', value ? value.empty : ''));
    return;
  }
  chosen = Math.min(chosen, value.rows.length - 1);
  const parts = [table(value)];
  value.notes.forEach((text) => parts.push(node('p', 'note', text)));
  parts.push(node('h3', '', value.labels.heat));

  const tabs = node('div', 'segments');
  value.rows.forEach((row, index) => {
    const button = node('button', index === chosen ? 'on' : '', row.title);
    button.type = 'button';
    button.setAttribute('aria-pressed', index === chosen);
    button.addEventListener('click', () => {
      chosen = index;
      draw();
    });
    tabs.append(button);
  });

  const scale = node('p', 'scale');
  scale.append(node('span', '', value.labels.low), node('i', 'ramp'), node('span', '', value.labels.high));
  if (value.rows[chosen].unknown.length) scale.append(node('span', 'unknown', value.labels.unknown));

  const line = node('p', 'explain', value.labels.hint);
  line.setAttribute('aria-live', 'polite');
  const map = heatMap(value);
  const show = (event) => {
    const index = event.target.dataset && event.target.dataset.index;
    if (index !== undefined) explain(value, Number(index), line);
  };
  map.addEventListener('mouseover', show);
  map.addEventListener('click', show);
  parts.push(tabs, scale, line, map);
  root.replaceChildren(...parts);
}

watch('value', draw);
draw();
