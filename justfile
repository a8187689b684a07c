# The commands people type; `just` lists them.

default:
    @just --list

# Install what the page, training and the tests need.
install:
    pip install -r tests/requirements.txt

# Serve the page at http://127.0.0.1:7860.
serve:
    python app.py

# The tests that start no browser, no program and no server: a minute on two cores.
quick:
    python -m pytest -n 3 --dist loadfile -m "not browser and not process and not slow"

# All tests but those that take minutes.
test:
    python -m pytest -n 3 --dist loadfile

# Style and types of Python; `just scripts` checks JavaScript.
check:
    ruff check .
    ruff format --check .
    mypy
    lint-imports

# Style, types and tests of the page's scripts; `npm ci` installs what they need.
scripts:
    npm run format
    npm run types
    npm test

# Everything that must pass before a change lands, on a bare Debian machine.
ci:
    .ci/run
