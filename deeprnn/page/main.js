// The page loads this before gradio's own script, whose code finds each module by its name here (see scripts.py).
import * as checkpoints from './checkpoints/checkpoints.js';
import * as compare from './compare/cards.js';
import * as live from './compare/live.js';
import * as questions from './compare/questions.js';
import * as experiments from './experiments/experiments.js';
import * as inside from './inside/inside.js';
import * as learn from './learn/learn.js';
import * as score from './score/score.js';
import * as address from './shared/address.js';
import * as fixed from './shared/fixed.js';
import * as foot from './shared/foot.js';
import * as link from './shared/link.js';
import * as own from './shared/own.js';
import * as page from './shared/page.js';
import * as picker from './shared/picker.js';
import * as views from './shared/views.js';
import * as training from './training/training.js';
import * as watch from './watch/watch.js';

Object.assign(globalThis, {
  deeprnn: {
    address,
    checkpoints,
    compare,
    experiments,
    fixed,
    foot,
    inside,
    learn,
    link,
    live,
    own,
    page,
    picker,
    questions,
    score,
    training,
    views,
    watch,
  },
});
address.start();
