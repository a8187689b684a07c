// Draws the table of checkpoints: sorted by a click on a column's head, shortened by typing; dom.js stands before it.
let sorted = 0;
let descending = false;
let wanted = '';
let chosen = null;
const root = element.querySelector('.checkpoints');
const tools = node('div', 'tools');
const frame = node('div', 'scroll');
const details = node('div', 'details');
frame.tabIndex = 0;
details.setAttribute('aria-live', 'polite');
const missing = node('div', 'left-out');
root.replaceChildren(tools, frame, missing, details);

function ordered(value) {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = value.rows.filter((row) => {
    const text = [row.title, ...row.cells.map((cell) => cell.text)].join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const by = (row) => row.cells[sorted].sort;
  rows.sort((a, b) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : 0) * (descending ? -1 : 1));
  return rows;
}

function table(value) {
  const made = node('table', 'scores');
  const head = node('tr');
  value.columns.forEach((column, index) => {
    const cell = node('th');
    cell.scope = 'col';
    cell.setAttribute('aria-sort', index !== sorted ? 'none' : descending ? 'descending' : 'ascending');
    cell.append(button('sort', column + (index !== sorted ? '' : descending ? ' ↓' : ' ↑'), () => {
      descending = index === sorted && !descending;
      sorted = index;
      drawTable();
      frame.querySelectorAll('.sort')[index].focus();
    }));
    head.append(cell);
  });
  const thead = node('thead');
  thead.append(head);
  const body = node('tbody');
  const rows = ordered(value);
  rows.forEach((row) => {
    const line = node('tr', row.name === chosen ? 'chosen' : '');
    row.cells.forEach((cell, index) => {
      const made = node(index ? 'td' : 'th', index === 1 ? row.cell : '', index ? cell.text : undefined);
      if (!index) {
        made.scope = 'row';
        made.append(button('name', cell.text, () => choose(row.name)));
      }
      line.append(made);
    });
    body.append(line);
  });
  made.append(thead, body);
  return rows.length ? made : node('p', 'empty', value.labels.ck_none);
}

function choose(name) {
  chosen = name;
  drawTable();
  drawDetails();
  trigger('select', { index: 0, value: name });
  details.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
}

function link(file, text) {
  const made = node('a', 'download', text);
  made.href = 'download/' + encodeURIComponent(file);
  made.download = '';
  return made;
}

function drawTable() {
  frame.replaceChildren(table(given()));
}

function drawDetails() {
  const { rows, labels, lang } = given();
  const row = rows.find((one) => one.name === chosen);
  if (!row) {
    details.replaceChildren(node('p', 'empty', labels.ck_choose));
    return;
  }
  const files = node('p', 'files');
  files.append(link(row.name + '.safetensors', labels.ck_weights), link(row.name + '.zip', labels.ck_folder));
  const compare = node('a', 'download', labels.ck_compare);
  compare.href = '?view=compare&models=' + encodeURIComponent(listed([row.name]));
  files.append(compare);
  const hash = node('p', 'hash', labels.ck_sha + between(lang));
  hash.append(node('code', '', row.sha256));
  const code = node('pre');
  code.append(node('code', '', row.code));
  const copying = button('copy', labels.ck_copy, () => copy(row.code, copying, labels.link_copied));
  details.replaceChildren(node('h3', '', row.title), files, hash, node('p', '', labels.ck_load), code, copying);
}

function drawTools() {
  const { labels } = given();
  const wrap = node('label', 'pick', labels.ck_filter + ' ');
  const field = node('input');
  field.type = 'search';
  field.value = wanted;
  field.addEventListener('input', () => {
    wanted = field.value;
    drawTable();
  });
  wrap.append(field);
  tools.replaceChildren(wrap, link('all', labels.ck_all));
}

function drawMissing() {
  const { left_out: reasons, labels } = given();
  missing.replaceChildren();
  if (!reasons.length) return;
  const list = node('ul');
  list.append(...reasons.map((reason) => node('li', '', reason)));
  missing.append(node('p', '', labels.ck_left_out), list);
}

function draw() {
  const value = given();
  if (!value) return;
  drawMissing();
  if (value.chosen) chosen = value.chosen;
  drawTools();
  drawTable();
  drawDetails();
}

watch('value', draw);
draw();
