"""Writes a run as two ranks would while it goes on; a test reads it meanwhile and kills it.

`live_writer.py FOLDER STAGES MICROBATCHES`: makes the master and two shards with no row, then for
each line "N" on its input appends rows up to N of every table, flushes, and answers "N".
"""

from __future__ import annotations

import sys
from pathlib import Path

import h5py

ANALYSIS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ANALYSIS), str(ANALYSIS.parent / "tests" / "golden")]

from recorded import Recording, record, write_stage  # noqa: E402


def write_master(folder: Path, recording: Recording, ranks: list[range]) -> None:
    last = len(ranks) - 1
    with h5py.File(folder / "trace.h5", "w", libver="latest") as file:
        file.attrs.update(recording.attributes)
        file.attrs["complete"] = 0
        file.create_group("stage")
        for rank, stages in enumerate(ranks):
            for stage in stages:
                name = f"stage/{stage:04}"
                file[name] = h5py.ExternalLink(f"ranks/{rank:04}.h5", name)
        for name, rank in (("loss", last), ("objective", last), ("memory", 0)):
            file[name] = h5py.ExternalLink(f"ranks/{rank:04}.h5", name)


def open_shard(folder: Path, rank: int, stages: range, recording: Recording) -> h5py.File:
    file = h5py.File(folder / "ranks" / f"{rank:04}.h5", "w", libver="latest")
    parent = file.create_group("stage")
    for stage in stages:
        write_stage(parent, recording, stage, 0)
    for name in ("loss", "objective", "memory"):
        table = getattr(recording, name)
        file.create_dataset(name, data=table[:0], maxshape=(None,), chunks=(64,))
    file.swmr_mode = True
    return file


def append(shard: h5py.File, stages: range, recording: Recording, rows: int) -> None:
    tables = {f"stage/{s:04}/steps": recording.steps[s] for s in stages}
    tables |= {f"stage/{s:04}/events": recording.events[s] for s in stages}
    tables |= {"loss": recording.loss, "objective": recording.objective}
    for name, table in tables.items():
        dataset = shard[name]
        first, end = len(dataset), min(rows, len(table))
        dataset.resize((end,))
        dataset[first:end] = table[first:end]
    shard.flush()


def main(folder: Path, stages: int, microbatches: int) -> None:
    recording = record(stages, microbatches)
    ranks = [range(0, stages // 2), range(stages // 2, stages)]
    (folder / "ranks").mkdir(parents=True)
    write_master(folder, recording, ranks)
    shards = [open_shard(folder, rank, own, recording) for rank, own in enumerate(ranks)]
    for line in sys.stdin:
        for shard, own in zip(shards, ranks):
            append(shard, own, recording, int(line))
        print(int(line), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
