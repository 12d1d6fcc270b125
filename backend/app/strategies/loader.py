"""Finding a strategy class: `package.module:Class`, or a `.py` file of the strategies folder."""

import hashlib
import importlib
import importlib.util
import inspect
import linecache
import sys
import traceback
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from app.core.errors import ConfigError, did_you_mean
from app.strategies.base import Strategy
from app.strategies.failure import is_pressed, told

_IMPORTING = ("<frozen importlib", importlib.__file__, __file__)  # frames of no interest to a user


class _FreshLoader(SourceFileLoader):
    """Always compiles the source: bytecode left by an edit of the same second would be stale.

    It keeps what it compiled: the file may be replaced while the strategy runs.
    """

    def __init__(self, name: str, path: str, text: str | None = None) -> None:
        """With `text`, that is compiled, whatever the file holds."""
        super().__init__(name, path)
        self.source = b"" if text is None else text.encode("utf-8", "replace")
        self._is_given = text is not None

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        if not self._is_given:
            self.source = self.get_data(path)
        code: CodeType = self.source_to_code(self.source, path)
        return code


class LoadError(ConfigError):
    """What a config's `use` names cannot be had."""

    def __init__(self, use: str, what: str) -> None:
        self.problems = [("use", f"'{use}': {what}")]  # each with its place in the strategy's part
        super().__init__(f"strategies use '{use}': {what}")


def load_strategy(use: str, folder: Path) -> type[Strategy]:
    """The class `use` names. A file may be followed by `:Class` when it holds several."""
    return _class_of(_module_of(use, folder), use.partition(":")[2], use)


def strategies_in(use: str, folder: Path) -> dict[str, type[Strategy]]:
    """Every strategy that is written in a module or file, by its class's name."""
    module = _module_of(use, folder)
    return _own(module, _found(module))


def load_text(use: str, text: str, folder: Path) -> type[Strategy]:
    """The class that `use` names, of this text in place of the file's."""
    name, _, class_name = use.partition(":")
    path = folder.resolve() / name
    module_name = f"strategy file {path} as of {text_hash(text)}"
    module = _executed(name, path, _FreshLoader(module_name, str(path), text))
    return _class_of(module, class_name, use)


def text_hash(text: str) -> str:
    """As `source_hash` of a file with this text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def source_hash(strategy: type[Strategy]) -> str:
    """SHA-256 of the file or cell a strategy comes from; part of a run's record."""
    source = _source_bytes(strategy)
    return hashlib.sha256(source).hexdigest() if source else ""


def source_of(strategy: type[Strategy]) -> str:
    """The text of that; "" of one that was typed where nothing keeps it."""
    return _source_bytes(strategy).decode("utf-8", "replace")


def _source_bytes(strategy: type[Strategy]) -> bytes:
    """As it was compiled, for a file of the strategies folder."""
    loader = getattr(sys.modules.get(strategy.__module__), "__loader__", None)
    if isinstance(loader, _FreshLoader):
        return loader.source
    return b"".join(map(_read, code_files(strategy)))


def code_files(kind: type) -> list[str]:
    """Where a class is written: its file, or the cells of a notebook that have its methods."""
    with suppress(OSError, TypeError):  # its module has no file
        if path := inspect.getsourcefile(kind):
            return [path]
    codes = (getattr(item, "__code__", None) for item in vars(kind).values())
    return list(dict.fromkeys(code.co_filename for code in codes if code is not None))


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError:  # a cell, which Python remembers, or a prompt
        return "".join(linecache.getlines(name)).encode()


def _module_of(use: str, folder: Path) -> ModuleType:
    module_name, _, class_name = use.partition(":")
    if module_name.endswith(".py"):
        return _from_file(folder, module_name)
    if class_name:
        return _imported(module_name, use, folder)
    raise LoadError(use, f"write package.module:Class, or file.py of {folder}.")


def _imported(name: str, use: str, folder: Path) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise LoadError(use, f"there is no module '{name}'.{_places(use, folder)}") from None
        raise LoadError(use, f"{error.name} is not installed.") from None
    except BaseException as error:
        raise LoadError(use, _broken(error)) from error


def _places(use: str, folder: Path) -> str:
    """Where modules come from; of what may be a file of one's own, how that is given."""
    name, _, class_name = use.partition(":")
    given = f"'{name}.py:{class_name}'"
    if (folder / f"{name}.py").is_file():
        return f" There is a {name}.py in {folder}: write {given}."
    own = "" if "." in name else f" A file of your own belongs in {folder} and is given as {given}."
    return f" It is neither installed, nor in this folder, nor on PYTHONPATH.{own}"


def strategy_file(folder: Path, name: str) -> Path:
    """A file of the strategies folder, and of nowhere else."""
    try:
        root = folder.resolve()
        path = (root / name).resolve()
        is_file = path.is_file()
        if path.is_symlink():
            path.stat()  # from 3.13 on a circle of links is resolved to itself, without a word
    except (OSError, RuntimeError) as error:  # a name too long, a circle of links
        raise LoadError(name, f"it cannot be opened: {error}.") from None
    if not path.is_relative_to(root):
        raise LoadError(name, f"the file must lie in {folder}.")
    if not is_file:
        known = [item.name for item in root.glob("*.py")] if root.is_dir() else []
        raise LoadError(name, f"there is no such file in {folder}." + did_you_mean(name, known))
    return path


def _from_file(folder: Path, name: str) -> ModuleType:
    path = strategy_file(folder, name)
    # no other module has this name, whatever its folder
    return _executed(name, path, _FreshLoader(f"strategy file {path}", str(path)))


def _executed(name: str, path: Path, loader: _FreshLoader) -> ModuleType:
    """The module that a loader makes; of one that does not import nothing stays."""
    module_name = loader.name
    spec = importlib.util.spec_from_file_location(module_name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(module_name)
    sys.modules[module_name] = module
    try:
        loader.exec_module(module)
    except BaseException as error:
        del sys.modules[module_name]
        if before is not None:
            sys.modules[module_name] = before
        raise LoadError(name, _broken(error)) from error
    return module


def _found(module: ModuleType) -> dict[str, type[Strategy]]:
    """The strategies a module has a name for, be they written there or not."""
    return {
        name: item
        for name, item in vars(module).items()
        if inspect.isclass(item) and issubclass(item, Strategy) and item is not Strategy
    }


def _own(module: ModuleType, found: dict[str, type[Strategy]]) -> dict[str, type[Strategy]]:
    return {item.__name__: item for item in found.values() if item.__module__ == module.__name__}


def _class_of(module: ModuleType, class_name: str, use: str) -> type[Strategy]:
    found = _found(module)
    if class_name:
        if class_name not in found:
            hint = did_you_mean(class_name, found)
            raise LoadError(use, f"no strategy '{class_name}' there.{hint}")
        return found[class_name]
    own = _own(module, found)
    if not own:
        raise LoadError(use, "there is no class in it that is a Strategy.")
    if len(own) > 1:
        names, first = ", ".join(own), next(iter(own))
        raise LoadError(use, f"it has {names}; name one: {use}:{first}.")
    return next(iter(own.values()))


def _broken(error: BaseException) -> str:
    """What keeps a module from being imported, and at which line of whose file."""
    if is_pressed(error):
        raise error
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_IMPORTING)]
    own = [frame for frame in own if frame.filename == own[0].filename]
    place = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    return f"it does not import{place}: {told(error)}"
