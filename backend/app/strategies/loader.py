"""Finding a strategy class: `package.module:Class`, or a `.py` file of the strategies folder."""

import hashlib
import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

from app.core.errors import ConfigError, did_you_mean
from app.strategies.base import Strategy


def load_strategy(use: str, folder: Path) -> type[Strategy]:
    """The class `use` names. A file may be followed by `:Class` when it holds several."""
    module_name, _, class_name = use.partition(":")
    if module_name.endswith(".py"):
        module = _from_file(folder, module_name)
    elif class_name:
        module = _imported(module_name, use)
    else:
        raise ConfigError(
            f"strategies use '{use}': write package.module:Class, or file.py of {folder}."
        )
    return _class_of(module, class_name, use)


def source_hash(strategy: type[Strategy]) -> str:
    """SHA-256 of the file a strategy comes from; part of a run's record."""
    path = inspect.getsourcefile(strategy)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""


def _imported(name: str, use: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ConfigError(f"strategies use '{use}': there is no module '{name}'.") from None
        raise ConfigError(f"strategies use '{use}': {error.name} is not installed.") from None
    except Exception as error:
        raise ConfigError(_broken(use, error, name)) from error


def _from_file(folder: Path, name: str) -> ModuleType:
    """A file of the strategies folder, and of nowhere else."""
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise ConfigError(f"strategies use '{name}': the file must lie in {folder}.")
    if not path.is_file():
        known = [item.name for item in root.glob("*.py")] if root.is_dir() else []
        raise ConfigError(
            f"strategies use '{name}': there is no such file in {folder}."
            + did_you_mean(name, known)
        )
    module_name = f"mismartera_strategies.{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(_broken(name, error, str(path))) from error
    return module


def _class_of(module: ModuleType, class_name: str, use: str) -> type[Strategy]:
    found = {
        name: item
        for name, item in vars(module).items()
        if inspect.isclass(item) and issubclass(item, Strategy) and item is not Strategy
    }
    if class_name:
        if class_name not in found:
            hint = did_you_mean(class_name, found)
            raise ConfigError(f"strategies use '{use}': no strategy '{class_name}' there.{hint}")
        return found[class_name]
    own = [item for item in found.values() if item.__module__ == module.__name__]
    if len(own) != 1:
        names = ", ".join(item.__name__ for item in own) or "none"
        raise ConfigError(f"strategies use '{use}': name one as {use}:Class (it has {names}).")
    return own[0]


def _broken(use: str, error: Exception, where: str) -> str:
    line = getattr(error, "lineno", None)
    traceback = error.__traceback__
    while line is None and traceback is not None:
        if traceback.tb_frame.f_code.co_filename == where or traceback.tb_next is None:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    place = f" (line {line})" if line else ""
    return f"strategies use '{use}': it does not import{place}: {type(error).__name__}: {error}"
