"""The studies of a simulation in chunks: computed on one core or several, kept in a folder, never computed twice."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from katoutcomes._version import __version__
from katoutcomes.errors import OptionError
from katoutcomes.results.rounding import significant
from katoutcomes.results.whole_files import write_whole
from katoutcomes.workflows.simulation.design import Cell, SimulationDesign
from katoutcomes.workflows.simulation.studies import Answer, one_study
from katoutcomes.workflows.simulation.worlds import World, world_of

CHUNK = 20
"""Studies that are computed and kept together; each has its own stream, so this changes no number."""
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Rows = list[list[list[float]]]
"""Of each study and estimator: estimate, standard error, lower and upper limit."""
Progress = Callable[[int, int], None]
"""Called with studies done and in all."""


@dataclass(frozen=True, slots=True)
class Task:
    """Some studies of one cell.

    Attributes
    ----------
    cell : Cell
        Which.
    first, count : int
        Number of the first study, and how many.
    """

    cell: Cell
    first: int
    count: int

    @property
    def name(self) -> str:
        """Name of the chunk, fit for a file."""
        return f"{self.cell.name}-{self.first:06d}-{self.count}"


@dataclass(frozen=True, slots=True)
class Simulated:
    """All studies of a design.

    Attributes
    ----------
    worlds : mapping of str to World
        What is true, by `Cell.world`.
    rows : mapping of str to list
        Of each cell, by `Cell.name`: studies in order.
    """

    worlds: Mapping[str, World]
    rows: Mapping[str, Rows]


class Store:
    """Finished pieces: in memory and, where there is a folder, in files that a later run finds again."""

    def __init__(self, folder: Path | None, design: SimulationDesign) -> None:
        self._folder = folder
        self._pieces: dict[str, Any] = {}
        if folder is not None:
            self._require_same(folder / "design.json", design)

    @staticmethod
    def _require_same(path: Path, design: SimulationDesign) -> None:
        """Raise unless the folder is new or its pieces have these settings; more cells or studies may be asked for."""
        settled = ("n_bootstrap", "n_truth", "seed", "effect", "missing_share", "conf_level")
        mine = {name: getattr(design, name) for name in settled} | {"katoutcomes": __version__}
        if not path.exists():
            write_whole(path, _text(mine))
        elif json.loads(path.read_text(encoding="utf-8")) != mine:
            raise OptionError(
                "the folder holds studies with other settings (seed, resamples, effect, missing share, level or "
                "version of the package); choose another folder."
            )

    def get(self, name: str) -> Any:
        """Return a finished piece, or None."""
        if name not in self._pieces and self._folder is not None:
            path = self._folder / "chunks" / f"{name}.json"
            if path.exists():
                self._pieces[name] = json.loads(path.read_text(encoding="utf-8"))
        return self._pieces.get(name)

    def put(self, name: str, piece: Any) -> None:
        """Keep a finished piece."""
        self._pieces[name] = piece
        if self._folder is not None:
            write_whole(self._folder / "chunks" / f"{name}.json", _text(piece))


def _text(content: Any) -> str:
    return json.dumps(content, sort_keys=True) + "\n"


def simulated(
    design: SimulationDesign,
    *,
    folder: Path | None,
    n_workers: int,
    stop_after_seconds: float | None,
    progress: Progress | None,
) -> Simulated | None:
    """Return all studies of a design, or None where time was up before all were done.

    The clock decides only how many pieces are computed, never what is in them.
    """
    store = Store(folder, design)
    end = math.inf if stop_after_seconds is None else time.monotonic() + stop_after_seconds
    tasks = [  # all cells grow together, so that an unfinished run is as far in each
        Task(cell, first, min(CHUNK, design.n_replicates - first))
        for first in range(0, design.n_replicates, CHUNK)
        for cell in design.cells
    ]
    with _runner(n_workers) as run:
        cells = {cell.world: cell for cell in design.cells}
        missing = [(f"{name}-truth", (_world, design, cell)) for name, cell in cells.items()]
        if not _complete(store, missing, run, end, None):
            return None
        worlds = {name: World(**store.get(f"{name}-truth")) for name in cells}
        pieces = [(task.name, (_rows, design, task, worlds[task.cell.world])) for task in tasks]
        sizes = {task.name: task.count for task in tasks}
        if not _complete(store, pieces, run, end, _counted(sizes, progress)):
            return None
    rows = {
        cell.name: [row for task in tasks if task.cell == cell for row in _numbers(store.get(task.name))]
        for cell in design.cells
    }
    return Simulated(worlds, rows)


_Call = tuple[Any, ...]
"""A function and its arguments."""
_Run = tuple[Callable[..., Any], int]
"""How to submit a call, and how many may be under way."""


@contextmanager
def _runner(n_workers: int) -> Iterator[_Run]:
    """Give a way to run calls: here, or in processes of one thread each."""
    if n_workers == 1:
        yield _here, 1
        return
    import multiprocessing

    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))  # for the processes to be, which inherit it
    try:
        with ProcessPoolExecutor(n_workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            yield pool.submit, 2 * n_workers
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _here(function: Callable[..., Any], *arguments: Any) -> Future[Any]:
    done: Future[Any] = Future()
    done.set_result(function(*arguments))
    return done


def _complete(
    store: Store, pieces: list[tuple[str, _Call]], run: _Run, end: float, done: Callable[[str], None] | None
) -> bool:
    """Compute the pieces that are not there yet; return whether all are there."""
    submit, most = run
    todo = iter([(name, call) for name, call in pieces if store.get(name) is None])
    for name, _ in pieces:
        if done is not None and store.get(name) is not None:
            done(name)
    under_way: dict[Future[Any], str] = {}
    while True:
        while len(under_way) < most and time.monotonic() < end and (following := next(todo, None)) is not None:
            name, (function, *arguments) = following
            under_way[submit(function, *arguments)] = name
        if not under_way:
            break
        finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for one in finished:
            name = under_way.pop(one)
            store.put(name, one.result())
            if done is not None:
                done(name)
    return all(store.get(name) is not None for name, _ in pieces)


def _counted(sizes: Mapping[str, int], progress: Progress | None) -> Callable[[str], None]:
    """Return a function that counts the studies of finished chunks."""
    so_far = 0

    def done(name: str) -> None:
        nonlocal so_far
        so_far += sizes[name]
        if progress is not None:
            progress(so_far, sum(sizes.values()))

    return done


def _world(design: SimulationDesign, cell: Cell) -> dict[str, float]:
    return {name: significant(value) for name, value in asdict(world_of(design, cell)).items()}


def _rows(design: SimulationDesign, task: Task, world: World) -> list[list[list[float | None]]]:
    """Return the answers of some studies, with 12 significant digits; None for what could not be estimated."""
    studies = range(task.first, task.first + task.count)
    return [[_plain(answer) for answer in one_study(design, task.cell, world, number)] for number in studies]


def _plain(answer: Answer) -> list[float | None]:
    numbers = (answer.estimate, answer.std_error, answer.conf_low, answer.conf_high)
    return [significant(number) if math.isfinite(number) else None for number in numbers]


def _numbers(rows: list[list[list[float | None]]]) -> Rows:
    return [[[math.nan if number is None else number for number in answer] for answer in row] for row in rows]
