// Draws the Experiments view (see view.py); dom.js and charts.js come before it.
const root = element.querySelector('.experiments');

function section(one, value) {
  const made = node('section', 'experiment');
  made.id = 'experiment-' + one.key;
  made.append(node('h2', '', one.title), node('p', 'asked', one.asked), node('p', 'verdict', one.answers.join(between(value.lang))));
  const pictures = node('div', 'figures');
  one.figures.forEach((charts, index) => pictures.append(figure(charts, `${one.key}-${index + 1}`, value.labels, one.title)));
  const method = node('details', 'method');
  method.append(node('summary', '', value.labels.method), ...(one.method ? [node('p', '', one.method)] : []), node('p', '', value.labels.interval));
  method.append(node('pre', '', one.commands.join('\n')));
  made.append(pictures, method);
  if (one.preset) {
    const see = node('a', 'see', value.labels.see);
    see.href = `?preset=${one.preset}&lang=${value.lang}`;
    made.append(see);
  }
  return made;
}

function draw() {
  const value = given();
  const index = segments(value.sections.map((one) => [one.key, one.title]), null, (key) => {
    document.getElementById('experiment-' + key).scrollIntoView({ behavior: 'smooth' });
  });
  index.querySelectorAll('button').forEach((one) => one.removeAttribute('aria-pressed')); // they lead, they do not stay down
  root.replaceChildren(index, ...value.sections.map((one) => section(one, value)));
  if (!value.sections.length) root.replaceChildren(node('p', 'empty', value.note || value.empty));
  else if (value.note) root.append(node('p', 'note', value.note));
}

draw();
watch('value', draw);
