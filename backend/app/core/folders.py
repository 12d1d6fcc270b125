"""What a folder allows: one that can only be read is good for every command that only reads."""

import os
from pathlib import Path


def can_only_read(folder: Path) -> bool:
    """Whether it is there, and nothing can be put into it."""
    return folder.is_dir() and not os.access(folder, os.W_OK)
