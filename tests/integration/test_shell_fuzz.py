"""Whatever is typed, the shell lives and says what was wrong. PROOF_SCALE=100: 10,000 lines."""

import os
from itertools import islice
from pathlib import Path

import pytest
from tests.shell_fuzz import Sandbox, fuzzed_lines

SCALE = int(os.environ.get("PROOF_SCALE", "1"))
LINES = 100 * SCALE
SECONDS_EACH = 0.5


@pytest.mark.timeout(60 + LINES * SECONDS_EACH)
def test_no_line_ends_the_shell_and_each_that_fails_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox = Sandbox(tmp_path, monkeypatch)
    codes: dict[int, int] = {}
    for line in islice(fuzzed_lines(7), LINES):
        code = sandbox.run(line)
        told = capsys.readouterr()
        codes[code] = codes.get(code, 0) + 1
        assert 0 <= code <= 255, line
        assert "Traceback" not in told.out + told.err, line
        assert "this is a defect" not in told.err, (line, told.err)
        assert all(char.isprintable() or char == "\n" for char in told.err), (line, told.err)
        if code:
            examines = "sources test" in " ".join(line.split())  # what it found is its answer
            assert (told.out if examines else told.err).strip(), (line, code)
    with capsys.disabled():
        if SCALE > 1:
            print(f"\n{LINES:,} lines, exit codes {codes}, {len(sandbox.started)} would have run")
    assert sandbox.run("version") == 0
    assert {0, 2} <= set(codes)
