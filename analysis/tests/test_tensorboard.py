"""The exported file has the bytes that the formats publish, and an independent decoder reads the trace out of it."""

from __future__ import annotations

import struct
from datetime import datetime, timezone
from pathlib import Path

import h5py
import numpy as np
import pytest

import export_tensorboard
from quartic_analysis import load, tensorboard
from recorded import record, write_finished

STAGES, MICROBATCHES = 3, 20


# RFC 3720, appendix B.4: the examples of CRC-32C; the first is the check value of the CRC's catalogue.
@pytest.mark.parametrize("data, expected", [
    (b"123456789", 0xE3069283),
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(reversed(range(32))), 0x113FDB5C),
])  # fmt: skip
def test_crc32c_is_that_of_the_rfc(data: bytes, expected: int) -> None:
    assert tensorboard.crc32c(data) == expected


def test_the_mask_is_that_of_tf_records() -> None:
    """TensorFlow's formula: ((crc >> 15) | (crc << 17)) + 0xa282ead8, of 0xE3069283."""
    assert tensorboard.masked_crc32c(b"123456789") == 0xC78AB0E5
    assert masked(0xE3069283) == 0xC78AB0E5


# The encodings in the documentation of protobuf: 150 in a varint, field 1 = 150, field 2 = "testing", -1 and -2 in 64 bits.
def test_protobuf_is_that_of_its_documentation() -> None:
    assert tensorboard.varint(1) == b"\x01"
    assert tensorboard.varint(150) == b"\x96\x01"
    assert tensorboard.varint(-2) == b"\xfe" + b"\xff" * 8 + b"\x01"
    assert tensorboard.field(1, tensorboard.VARINT, tensorboard.varint(150)) == bytes.fromhex("089601")
    assert tensorboard.field(2, tensorboard.BYTES, b"testing") == bytes.fromhex("120774657374696e67")


def test_the_first_record_is_that_of_every_event_file() -> None:
    event = tensorboard.version_event(0.0)
    assert event == b"\x09" + bytes(8) + b"\x1a\x0dbrain.Event:2"
    assert tensorboard.tf_record(event)[:12] == b"\x18" + bytes(7) + b"\xa3\x7f\x4b\x22"


def masked(crc: int) -> int:
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


def bitwise_crc32c(data: bytes) -> int:
    """Bit by bit, from the polynomial x^32 + x^28 + … with reflected input and output."""
    crc = 0xFFFFFFFF
    for byte in data:
        for bit in range(8):
            low = (crc ^ byte >> bit) & 1
            crc = crc >> 1 ^ (0x82F63B78 if low else 0)
    return crc ^ 0xFFFFFFFF


def records(content: bytes) -> list[bytes]:
    found = []
    at = 0
    while at < len(content):
        (length, length_crc) = struct.unpack_from("<QI", content, at)
        assert length_crc == masked(bitwise_crc32c(content[at : at + 8]))
        data = content[at + 12 : at + 12 + length]
        assert struct.unpack_from("<I", content, at + 12 + length) == (masked(bitwise_crc32c(data)),)
        found.append(data)
        at += 16 + length
    return found


def decoded(message: bytes) -> dict[int, object]:
    """Field number -> value: an integer, or the bytes of a fixed-size or length-delimited field."""
    fields: dict[int, object] = {}
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = number()
        wire = key & 7
        size = {1: 8, 5: 4}.get(wire)
        value = number() if wire in (0, 2) else 0
        if wire != 0:
            size = value if wire == 2 else size
            fields[key >> 3] = message[at : at + size]
            at += size
        else:
            fields[key >> 3] = value
    return fields


def read_events(path: Path) -> dict[str, np.ndarray]:
    """Tag -> rows of wall time, step, value; the first record must be the version."""
    first, *others = map(decoded, records(path.read_bytes()))
    assert first.keys() == {1, 3} and first[3] == b"brain.Event:2"
    series: dict[str, list[tuple[float, int, float]]] = {}
    for event in others:
        value = decoded(decoded(event[5])[1])
        point = (struct.unpack("<d", event[1])[0], event[2], struct.unpack("<f", value[2])[0])
        series.setdefault(value[1].decode(), []).append(point)
    return {tag: np.array(points) for tag, points in series.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_finished(record(STAGES, MICROBATCHES), tmp_path / "run")
    with h5py.File(tmp_path / "run" / "trace.h5", "r+") as file:
        file.attrs["started"] = "2024-05-31T12:00:00Z"
    return tmp_path / "run"


def exported(folder: Path) -> dict[str, np.ndarray]:
    out = folder.parent / "out"
    assert export_tensorboard.main([str(folder), "--out", str(out)]) == 0
    (path,) = (out / folder.name).iterdir()
    assert "tfevents" in path.name
    return read_events(path)


START = datetime(2024, 5, 31, 12, tzinfo=timezone.utc).timestamp()


def test_the_decoder_reads_the_trace_back(folder: Path) -> None:
    series = exported(folder)
    with h5py.File(folder / "trace.h5") as file:
        loss, objective = file["loss"][()], file["objective"][()]
        steps = [file[f"stage/{stage:04}/steps"][()] for stage in range(STAGES)]
    expected = {"loss": (loss, "microbatch", "wall_ns", "loss"), "objective": (objective, "block_updates", "wall_ns", "value")}
    for stage, rows in enumerate(steps):
        for column in ("staleness", "delay_own", "delay_oldest"):
            expected[f"{column}/stage {stage}"] = (rows, "microbatch", "backward_end_ns", column)
    assert series.keys() == expected.keys()
    for tag, (rows, step, ns, value) in expected.items():
        rows = np.sort(rows, order=ns)
        np.testing.assert_array_equal(series[tag][:, 1], rows[step])
        np.testing.assert_array_equal(series[tag][:, 2], rows[value].astype(np.float32))
        np.testing.assert_allclose(series[tag][:, 0], START + rows[ns] * 1e-9, rtol=0, atol=1e-6)


def test_a_long_run_has_means_over_windows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorboard, "MOST_POINTS_A_STAGE", 5)
    points = exported(folder)["staleness/stage 0"]
    staleness = load(folder).steps.query("stage == 0").set_index("microbatch")["staleness"]
    assert list(points[:, 1]) == [3, 7, 11, 15, 19]
    np.testing.assert_allclose(points[:, 2], [staleness.loc[first : first + 3].mean() for first in range(0, MICROBATCHES, 4)], rtol=1e-6)


def test_mistakes_are_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder.parent / "out"
    for arguments, words in [([folder / "none"], "no such file"), ([folder, folder], "folder name run")]:
        assert export_tensorboard.main([*map(str, arguments), "--out", str(out)]) == 2
        said = capsys.readouterr().err
        assert words in said and said.count("\n") == 1
    with h5py.File(folder / "trace.h5", "r+") as file:
        file.attrs["started"] = "yesterday"
    assert export_tensorboard.main([str(folder), "--out", str(out)]) == 2
    assert "yesterday" in capsys.readouterr().err
    assert not out.exists()
