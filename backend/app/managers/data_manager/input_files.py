"""A file that somebody wants read as a table of text: is it one, and what is it else?"""

from pathlib import Path

from app.core.errors import NotFoundError, UsageError, near_file

NO_UTF_8 = "it is not UTF-8 text; save it as 'CSV UTF-8', or run iconv -f CP1252 -t UTF-8 on it"
_UTF_16 = "it is UTF-16 text; save it as 'CSV UTF-8', or run iconv -f UTF-16 -t UTF-8 on it"
# By how it begins: what it is, and what to do.
_OTHERS = (
    (
        b"PK\x03\x04",
        "it is an Excel workbook, or a zip archive, broken or not named .zip; save it as CSV",
    ),
    (b"\xd0\xcf\x11\xe0", "it is an Excel workbook; save it as CSV"),
    (b"\x1f\x8b", "it is compressed by gzip; have its name end in .gz"),
    (b"BZh", "it is compressed by bzip2; have its name end in .bz2"),
    (b"\x28\xb5\x2f\xfd", "it is compressed by zstd; have its name end in .zst"),
    (b"\xfd7zXZ", "it is compressed by xz; unpack it"),
    (b"PAR1", "it is Parquet; use 'data import-parquet'"),
    (b"\xff\xfe", _UTF_16),
    (b"\xfe\xff", _UTF_16),
)


def require_file(path: Path, kind: str = "one file to import") -> None:
    """Refuse what is not there, and what is no plain file: a pipe cannot be read twice."""
    if str(path) != str(path).encode("utf-8", "ignore").decode():
        raise UsageError(f"The name {str(path)!a} is no text in UTF-8; rename the file.")
    if path.is_file():
        return
    if path.is_dir():
        what = f"is a folder; give the path of {kind}."
    elif path.exists():
        what = "is a pipe or a device; write what comes from it to a file, and give that."
    else:
        what = f"is not there; give the path of {kind}.{near_file(path)}"
    raise NotFoundError(f"The file {path} {what}")


def why_no_table(head: bytes) -> str:
    """Why bytes that begin so are no table of text; "" where they may be one."""
    for begin, what in _OTHERS:
        if head.startswith(begin):
            return what
    line = head.partition(b"\n")[0]
    if b"\0" in line:
        return _UTF_16 if line[1::2].count(0) > len(line) // 4 else "it is not text"
    if b"\r" in line.rstrip(b"\r\n") and b"\n" not in head:
        return "its lines end in CR alone, as on Macs of old; save it with other line ends"
    return ""
