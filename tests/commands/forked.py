"""A program that runs the training command in children of its own, which have imported everything, and kills them.

It reads orders from standard input, one JSON object a line, and answers each with one. An order:

    argv: of the command. count: how many children run it at once.
    after: the seconds after which a child is killed. between: the seconds from the start of one child to the next.
    operation: the number of the operation on a file of --out just before which the child is killed.
    limit: the most bytes of a file. fatal: whether the system kills a child that writes more, in the midst of its file.
"""

import json
import os
import resource
import signal
import sys
import time

import torch
import torch._dynamo  # AdamW imports it, which takes seconds

from deeprnn.commands import train
from deeprnn.lm.decoder import warm_up

OPERATIONS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"}


def child(order, output):
    """Run the command in this process, with its output into a pipe."""
    for number in (1, 2):
        os.dup2(output, number)
    out = order["argv"][order["argv"].index("--out") + 1]
    operations = []

    def watch(event, arguments):
        if event in OPERATIONS and isinstance(arguments[0], (str, os.PathLike)) and str(arguments[0]).startswith(out):
            operations.append(event)
            if len(operations) == order.get("operation"):
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    if "limit" in order:
        if order.get("fatal"):
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["limit"], resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    code = 1
    try:
        code = train.run(order["argv"])
        print("\noperations:", *operations, flush=True)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def obey(order):
    """Run the children of one order; return how each ended, how long it took, and all that they said."""
    reading, writing = os.pipe()
    children, started = [], time.monotonic()
    for _ in range(order.get("count", 1)):
        pid = os.fork()
        if not pid:
            child(order, writing)
        children.append(pid)
        time.sleep(order.get("between", 0))
    os.close(writing)
    if "after" in order:
        time.sleep(order["after"])
        os.kill(children[0], signal.SIGKILL)
    with os.fdopen(reading, errors="replace") as output:
        said = output.read()
    ends = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    return {"ends": ends, "seconds": time.monotonic() - started, "said": said}


if __name__ == "__main__":
    torch.set_num_threads(1)
    warm_up()
    for line in sys.stdin:
        print(json.dumps(obey(json.loads(line))), flush=True)
