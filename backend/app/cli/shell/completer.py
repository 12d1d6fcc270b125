"""Completion as the prompt wants it: called in a thread, and whatever happens, quietly."""

from collections.abc import Iterator

from loguru import logger
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from app.cli.shell.completion import Sources, Tree, completions
from app.cli.shell.events import plain


class ShellCompleter(Completer):
    """Completes the line the cursor is in."""

    def __init__(self, tree: Tree, sources: Sources) -> None:
        self._tree = tree
        self._sources = sources

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        text = document.current_line_before_cursor
        try:
            found = completions(text, self._tree, self._sources)
        except Exception as error:  # a prompt is no place for a traceback
            logger.bind(file_only=True).opt(exception=error).error("Nothing could be completed.")
            return
        for one in found:
            yield Completion(
                one.text, one.start - len(text), display=plain(one.shown),
                display_meta=plain(one.about),
            )  # fmt: skip
