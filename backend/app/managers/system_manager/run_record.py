"""A run's record: its folder and its rows in SQL, written while the run streams.

`run.json` holds config, versions, data passport, timings and the summary; `equity.parquet` the
curve; `report.md` the page for people. Orders and fills are rows in SQL: a projection for readers,
made when the replay has ended, since a row costs as much as all else of an order's life. Until
then they are held packed; a run with more than fits writes in between, so that memory is flat.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from app.core.bars import Floats, Ints
from app.core.errors import AppError, ConfigError, DataError
from app.core.orders import FillRow, Order
from app.managers.system_manager.summary import Summary, report_page
from app.threads.analysis_engine import Results

if TYPE_CHECKING:
    from app.repositories.run_repository import RunRepository

PACKED_BYTES = 8_000_000  # of orders and fills: about 40,000 of each
EQUITY_ROWS = 65_536

_orders_of = msgspec.json.Decoder(list[Order]).decode
_fills_of = msgspec.json.Decoder(list[FillRow]).decode
_pack = msgspec.json.Encoder().encode

_EQUITY = pa.schema(
    [pa.field("instant", pa.timestamp("ns", tz="UTC")), pa.field("equity", pa.float64())]
)


def claim_folder(runs: Path, stem: str, repository: "RunRepository") -> tuple[str, Path]:
    """A run id that nobody has, and its new folder."""
    run_id, number = stem, 1
    while repository.has_run(run_id) or not _made(runs / run_id):
        number += 1
        run_id = f"{stem}-{number}"
    return run_id, runs / run_id


class RunRecord:
    """Takes the engine's results; `finish` closes the record whatever happened.

    Its folder is there and empty when it begins.
    """

    def __init__(
        self,
        folder: Path,
        run_id: str,
        repository: "RunRepository",
        strategies: Sequence[str],
        symbols: Sequence[str],
    ) -> None:
        self.folder = folder
        self.run_id = run_id
        self._repository = repository
        self._strategies = strategies
        self._symbols = symbols
        self._packed: list[tuple[bytes, bytes]] = []  # each block's orders and fills
        self._packed_bytes = 0
        self._equity: list[tuple[Ints, Floats]] = []
        self._equity_rows = 0
        with _disk_errors(folder):
            self._curve = pq.ParquetWriter(
                folder / "equity.parquet",
                _EQUITY,
                compression="zstd",
                use_dictionary=False,
                column_encoding={"instant": "DELTA_BINARY_PACKED", "equity": "BYTE_STREAM_SPLIT"},
            )

    def discard(self) -> None:
        """The run did not begin: leave nothing of it."""
        self._curve.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def take(self, results: Results) -> None:
        """Keep one block's results; write when enough has gathered."""
        orders, fills = results.records.orders, results.records.fills
        if orders or fills:
            self._packed.append((_pack(orders), _pack(fills)))
            self._packed_bytes += sum(map(len, self._packed[-1]))
        if len(results.equity):
            self._equity.append((results.equity_ns, results.equity))
            self._equity_rows += len(results.equity)
        if self._packed_bytes >= PACKED_BYTES:
            self._flush_rows()
        if self._equity_rows >= EQUITY_ROWS:
            self._flush_equity()

    def finish(
        self,
        summary: Summary,
        facts: Mapping[str, Any],
        passport: Sequence[Mapping[str, Any]],
        ended_at: str,
        error: str | None,
    ) -> None:
        """Write what is left, the page and the run's end; SQL learns of it in any case."""
        state, trouble = summary.state, None
        figures = summary.as_json()
        try:
            self._flush_rows()
            self._flush_equity()
            with _disk_errors(self.folder):
                self._curve.close()
                whole = {**facts, "passport": list(passport), "summary": figures, "error": error}
                self._write("run.json", json.dumps(whole, indent=2, default=str) + "\n")
                self._write("report.md", report_page(summary, passport, error))
        except AppError as raised:
            state, trouble = "failed", raised
            error = error or str(raised)
        self._repository.finish_run(
            self.run_id,
            state=state,
            ended_at=ended_at,
            summary=figures,
            error=error,
            fingerprint=summary.fingerprint,
        )
        if trouble is not None:
            raise trouble

    def _flush_rows(self) -> None:
        packed, self._packed, self._packed_bytes = self._packed, [], 0
        if packed:
            orders = chain.from_iterable(_orders_of(own) for own, _ in packed)
            fills = chain.from_iterable(_fills_of(own) for _, own in packed)
            self._repository.add_orders(self.run_id, orders, self._strategies)
            self._repository.add_fills(self.run_id, fills, self._symbols)

    def _flush_equity(self) -> None:
        if self._equity:
            instants = np.concatenate([part[0] for part in self._equity])
            equity = np.concatenate([part[1] for part in self._equity])
            with _disk_errors(self.folder):
                self._curve.write_table(pa.table([instants, equity], schema=_EQUITY))
        self._equity, self._equity_rows = [], 0

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"The run's record in {folder} cannot be written: {error.strerror or error}. "
            "Check the disk's space and rights."
        ) from error


def _made(folder: Path) -> bool:
    """Make a run's folder; False when another run has it, which may run in another process."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    except OSError as error:
        raise ConfigError(
            f"The run's folder {folder} cannot be made: {error.strerror}. "
            "Set MISMARTERA_DATA_FOLDER to a folder that can be written."
        ) from error
    return True
