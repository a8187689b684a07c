"""Checkpoint folders that somebody made to do harm: real ones of which values, bytes or whole files were changed."""

import contextlib
import copy
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import time
from pathlib import Path

from hypothesis import strategies as st

from deeprnn.store.checkpoint import CARD, CONFIG, METRICS, WEIGHTS

FILES = (WEIGHTS, CONFIG, METRICS)
MAX_MESSAGE = 500  # characters, without the path of the file
MAX_CPU_SECONDS = 2.0
CONSTANT_BYTES = 64_000_000  # of memory, beside twice the files
HANG_SECONDS = 60
REMEDY = re.compile(r"again|update deeprnn|give a directory|rename it|git lfs pull|fresh checkout")
NUMBERS = (
    *(0, 1, -1, 7, 0.5, 1e308, -1e308, 1e-320, 2**31, 2**53, -(2**63), 2**64, 10**400, 10**4000),
    *(float("nan"), float("inf"), float("-inf")),
)
NAMES = (
    *("", "x", "../../etc/passwd", "/etc/passwd", "a/../b", "a\0b", "\n", "\u202eevil", "\ud800", "é" * 300),
    *("y" * 10_000, "y" * 1_100_000, "\ud800" * 5_000, "<script>alert(1)</script>", "中" * 100_000, "con", "."),
)
LARGE = (
    *([0] * 250_000, [[]] * 250_000, ["name"] * 100_000, {f"k{i}": 0 for i in range(100_000)}),
    *({f"{'z' * 500}{i}": {} for i in range(5_000)}, [10**4000] * 900, [2**62] * 2_000),
)


class Gone:
    """In place of a value: it is taken out."""


def nested(depth, kind):
    """JSON of that depth, which `json.dumps` could not write."""
    return '{"a":' * depth + "1" + "}" * depth if kind == "object" else "[" * depth + "]" * depth


def values_of(small):
    """Wrong values; small: none that takes long to write, so that thousands of folders can be tried."""
    plain = st.sampled_from([Gone, None, True, False, [], {}, [1], {"a": 1}, *NUMBERS])
    names = st.sampled_from([name for name in NAMES if not small or len(name) < 20_000]) | st.text(max_size=20)
    numbers = st.integers() | st.floats()
    return plain | names | numbers if small else plain | names | numbers | st.sampled_from(LARGE)


def places(value, path=()):
    """The path of every value inside another."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield (*path, key)
        yield from places(one, (*path, key))


def changed(values, path, to):
    values = copy.deepcopy(values)
    inside = values
    for key in path[:-1]:
        inside = inside[key]
    if to is Gone:
        del inside[path[-1]]
    else:
        inside[path[-1]] = to
    return values


def renamed(values, path, key):
    """The value at a path gets another key."""
    values = copy.deepcopy(values)
    inside = values
    for one in path[:-1]:
        inside = inside[one]
    if isinstance(inside, dict):
        inside[key] = inside.pop(path[-1])
    return values


def split_weights(data):
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def joined_weights(header, numbers, length=None):
    header = header if isinstance(header, bytes) else json.dumps(header).encode("utf-8", "surrogatepass")
    return (len(header) if length is None else length).to_bytes(8, "little") + header + numbers


def rehashed(files):
    """The files with the hash of the weights as they are now, so that the hash does not stop what is wrong in them."""
    with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
        config = json.loads(files[CONFIG])
        config["weights_sha256"] = hashlib.sha256(files[WEIGHTS]).hexdigest()
        files = files | {CONFIG: json.dumps(config).encode()}
    return files


# --- mutations: each takes the files by name, and draws what to change


@st.composite
def changed_value(draw, files, small):
    file = draw(st.sampled_from((CONFIG, METRICS)))
    values = json.loads(files[file])
    path = draw(st.sampled_from(list(places(values))))
    to = draw(values_of(small))
    if draw(st.booleans()) or to is Gone or not isinstance(to, str):
        return files | {file: json.dumps(changed(values, path, to)).encode()}
    return files | {file: json.dumps(renamed(values, path, to)).encode()}


@st.composite
def changed_header(draw, files, small):
    header, numbers = split_weights(files[WEIGHTS])
    path = draw(st.sampled_from(list(places(header))))
    to = draw(st.sampled_from(["F64", "F32", "F16", "BF16", "I8", "I64", "BOOL", "C64"]) | values_of(small))
    header = (renamed if isinstance(to, str) and draw(st.booleans()) else changed)(header, path, to)
    if draw(st.booleans()):
        header["extra"] = {"dtype": "F32", "shape": [0], "data_offsets": [len(numbers), len(numbers)]}
    return rehashed(files | {WEIGHTS: joined_weights(header, numbers)})


@st.composite
def changed_bytes(draw, files, small):  # noqa: ARG001
    file = draw(st.sampled_from(FILES))
    data = bytearray(files[file])
    for _ in range(draw(st.integers(1, 5))):
        data[draw(st.integers(0, min(len(data) - 1, 2_000)))] = draw(st.integers(0, 255))
    files = files | {file: bytes(data)}
    return rehashed(files) if draw(st.booleans()) else files


@st.composite
def cut_or_longer(draw, files, small):  # noqa: ARG001
    file = draw(st.sampled_from(FILES))
    data = files[file]
    kept = draw(st.integers(0, len(data)))
    files = files | {file: draw(st.sampled_from([data[:kept], data[kept:], data + data[:kept], data * 3]))}
    return rehashed(files) if draw(st.booleans()) else files


@st.composite
def another_content(draw, files, small):
    file = draw(st.sampled_from(FILES))
    depth = draw(st.sampled_from([10, 900, 990, 1_000, 5_000] + ([] if small else [200_000, 2_000_000])))
    text = st.sampled_from(
        [
            *("", "{}", "[]", "null", "NaN", "{", '{"a":1,' * 50, "version https://git-lfs.github.com/spec/v1\n"),
            nested(depth, "list"),
            nested(depth, "object"),
            '{"format": ' + nested(depth, "list") + "}",
            '{"format": 1' + "0" * 5_000 + "}",
            '{"format": "' + "\\ud800" * depth + '"}',
        ]
    )
    data = draw(text).encode() if draw(st.booleans()) else draw(st.binary(max_size=400))
    if file == WEIGHTS and draw(st.booleans()):
        length = draw(st.sampled_from([None, 0, 1, len(data) - 1, 2**32, 2**63, 2**64 - 1]))
        data = joined_weights(data, split_weights(files[WEIGHTS])[1], None if length is None else max(length, 0))
    return rehashed(files | {file: data})


@st.composite
def another_alphabet(draw, files, small):
    config = json.loads(files[CONFIG])
    sizes = [1, 2, 11, 500] + ([] if small else [99_999, 100_000, 100_001, 1_100_000])
    size, start = draw(st.sampled_from(sizes)), draw(st.sampled_from([0, 65, 0x4E00, 0xD7F0, 0xE000, 0x1F000]))
    characters = "".join(chr((start + i) % 0x110000) for i in range(size))
    config["vocab"]["characters"] = draw(st.sampled_from([characters, characters * 2, characters[::-1]]))
    return files | {CONFIG: json.dumps(config).encode()}


@st.composite
def changed_numbers(draw, files, small):  # noqa: ARG001
    """Weights that are not numbers, or so large that what is computed overflows."""
    header, numbers = split_weights(files[WEIGHTS])
    data = bytearray(numbers)
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(data) // 4 - 1)) * 4
        data[at : at + 4] = draw(st.sampled_from([b"\0\0\x80\x7f", b"\0\0\xc0\x7f", b"\xff\xff\x7f\x7f", b"\xff" * 4]))
    return rehashed(files | {WEIGHTS: joined_weights(header, bytes(data))})


@st.composite
def no_file(draw, files, small):  # noqa: ARG001
    """In place of a file: a link, a pipe, a folder, a socket; `written` makes it."""
    return files | {draw(st.sampled_from((*FILES, CARD))): draw(st.sampled_from(list(MADE)))}


MUTATIONS = (
    *(changed_value, changed_value, changed_header, changed_header, changed_bytes, cut_or_longer, another_content),
    *(another_alphabet, changed_numbers, no_file),
)


@st.composite
def hostile_files(draw, bases, *, small):
    """The files of a checkpoint, changed once to three times; those that are no bytes name a way of `MADE`."""
    files = draw(st.sampled_from(bases))
    for _ in range(draw(st.integers(1, 3))):
        if all(isinstance(data, bytes) for data in files.values()):
            with contextlib.suppress(ValueError, TypeError, LookupError, AttributeError, RecursionError):  # no JSON
                files = draw(draw(st.sampled_from(MUTATIONS))(files, small))
    return files


# --- writing them


def _socket(path):
    with socket.socket(socket.AF_UNIX) as one:
        place = os.getcwd()
        os.chdir(path.parent)  # the path of a socket must be short
        try:
            one.bind(path.name)
        finally:
            os.chdir(place)


def _sparse(path):
    with path.open("wb") as file:
        file.truncate(50_000_000_000)


def _sparse_weights(path):
    """A file whose header is right, and which is as long as it says, but much longer than the model."""
    header = {"head.weight": {"dtype": "F32", "shape": [2**33], "data_offsets": [0, 2**35]}}
    with path.open("wb") as file:
        file.write(joined_weights(header, b""))
        file.truncate(file.tell() + 2**35)


MADE = {
    "a link to /etc/passwd": lambda path: path.symlink_to("/etc/passwd"),
    "a link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "a link to /dev/stdin": lambda path: path.symlink_to("/dev/stdin"),
    "a link to a file of the kernel": lambda path: path.symlink_to("/proc/self/mem"),
    "a link to a folder": lambda path: path.symlink_to("/tmp"),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link up": lambda path: path.symlink_to("../../../../../../../../etc/passwd"),
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a socket": _socket,
    "50 GB of nothing": _sparse,
    "32 GB of weights": _sparse_weights,
}


def write(folder, files):
    """Write a folder in place of what is there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in files.items():
        if isinstance(data, bytes):
            (folder / name).write_bytes(data)
        else:
            MADE[data](folder / name)


# --- what is asked of a loader


def resident(peak=False):
    """The bytes of memory of this process now, or the most since `forget_peak`."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)" if peak else r"VmRSS:\s+(\d+)", status)[1])


def forget_peak():
    Path("/proc/self/clear_refs").write_text("5")


@contextlib.contextmanager
def bounded(size):
    """What happens inside takes less than `MAX_CPU_SECONDS` and, beside a constant, less memory than twice `size`."""

    def hangs(_number, _frame):
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(HANG_SECONDS)
    forget_peak()
    memory, started = resident(), time.process_time()  # processor time, since others use this machine too
    try:
        yield
        spent, used = time.process_time() - started, resident(peak=True) - memory
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert spent < MAX_CPU_SECONDS, f"{spent:.1f} s"
    assert used < 2 * size + CONSTANT_BYTES, f"{used / 1e6:.0f} MB for files of {size / 1e6:.1f} MB"


def stored_bytes(folder):
    """The bytes of the disk that the files of a folder take."""
    return sum(512 * path.lstat().st_blocks for path in folder.rglob("*"))


def assert_sentence(error, folder):
    """A refusal is short whatever was wrong, says a remedy, and tells nothing of other files."""
    message = str(error).replace(str(folder), "")
    assert len(message) <= MAX_MESSAGE, f"{len(message)} characters: {message[:1_000]}"
    assert REMEDY.search(message), message
    assert "root:" not in message
    assert "\n" not in message
