"""The command `deeprnn` of the installed package: `deeprnn serve`, `deeprnn train smoke`.

Knows: the commands and their arguments. Does not know: how serving and training work. Their modules are imported only
when they are used, since `pip install deeprnn` does not install what they need.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def _serve(arguments: list[str]) -> int:
    from deeprnn.commands.serve import main

    main(arguments, "deeprnn serve")
    return 0


def _training(name: str, *first: str) -> Callable[[list[str]], int]:
    def command(arguments: list[str]) -> int:
        from deeprnn.commands.train import run

        return run([*first, *arguments], f"deeprnn {name}")

    return command


def _gather(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="deeprnn gather", description=COMMANDS["gather"][1])
    parser.add_argument("folders", nargs="+", help="they hold finished runs")
    parser.add_argument("--out", help="the folder of checkpoints beside which the results are (checkpoints)")
    parser.add_argument("--data", nargs="+", default=[], help="texts of your own that runs were trained on")
    asked = parser.parse_args(arguments)
    more = ["--out", asked.out] if asked.out else []
    more += ["--data", *asked.data] if asked.data else []
    return _training("gather", "--gather", *asked.folders)(more)


def _warmup(arguments: list[str]) -> int:
    argparse.ArgumentParser(prog="deeprnn warmup", description=COMMANDS["warmup"][1]).parse_args(arguments)
    from deeprnn.lm.decoder import warm_up

    warm_up()
    return 0


def _push(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="deeprnn push", description=COMMANDS["push"][1])
    parser.add_argument("folder", type=Path, help="it holds the checkpoints' folders")
    parser.add_argument("repository", help="user/name at the Hub")
    parser.add_argument("--public", action="store_true", help="a new repository is private without it")
    asked = parser.parse_args(arguments)
    from deeprnn.store.hub import push

    print(push(asked.folder, asked.repository, public=asked.public))
    return 0


def _pull(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="deeprnn pull", description=COMMANDS["pull"][1])
    parser.add_argument("repository", help="user/name at the Hub")
    parser.add_argument("name", nargs="?", help="of the checkpoint's folder there (the one at the root)")
    parser.add_argument("--revision", help="a branch, tag or commit (the newest)")
    asked = parser.parse_args(arguments)
    from deeprnn.store.hub import pull

    print(pull(asked.repository, asked.name, asked.revision))
    return 0


COMMANDS: dict[str, tuple[Callable[[list[str]], int], str]] = {
    "serve": (_serve, "serve the page over a folder of checkpoints"),
    "train": (_training("train"), "train the named recipes, or `my-book` on a text of your own"),
    "list": (_training("list", "--list"), "list the recipes"),
    "gather": (_gather, "add finished runs to the results"),
    "measure": (_training("measure", "--remeasure"), "score finished checkpoints again"),
    "warmup": (_warmup, "compile what writes text, so that no start has to"),
    "push": (_push, "upload checkpoints to the Hub"),
    "pull": (_pull, "download a checkpoint from the Hub, and print where it is"),
}
_EXTRAS = {"serve": "page", "train": "train", "list": "train", "gather": "train", "measure": "train"}  # of each command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status, which is 0 if everything was done."""
    listed = "\n".join(f"  {name:8} {text}" for name, (_, text) in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="deeprnn",
        description="Deep recurrent character language models.",
        epilog=f"commands:\n{listed}\n\n`deeprnn COMMAND --help` tells more of one.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...")
    asked = parser.parse_args(arguments)
    try:
        return COMMANDS[asked.command][0](asked.arguments)
    except ValueError as error:
        print(f"deeprnn {asked.command}: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if asked.command not in _EXTRAS:
            raise
        remedy = f"in the clone, pip install '.[{_EXTRAS[asked.command]}]'"
        print(f"deeprnn {asked.command} needs {error.name}: {remedy}", file=sys.stderr)
        return 1
