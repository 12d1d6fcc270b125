"""The table of commands in docs/CLI.md, made from the commands: `python -m tests.command_table`."""

from pathlib import Path

from app.cli.help import usage
from app.cli.tree import walk

PAGE = Path(__file__).parents[1] / "docs" / "CLI.md"
BEGIN, END = "<!-- commands: python -m tests.command_table -->\n", "<!-- end of commands -->\n"


def command_table() -> str:
    """A line for each command: what must and may be given, and what it does."""
    rows = [
        f"| `{_escaped(usage(one).removesuffix(' [OPTIONS]'))}` | {_escaped(one.summary)} |"
        for one in walk()
        if one.words and not one.children
    ]
    return "\n".join(["| command | what it does |", "|---|---|", *rows, ""])


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def written() -> str:
    """The page with the table as it should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{command_table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
