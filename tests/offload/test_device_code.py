"""Every kernel that a header declares has device code in the program: its PTX names the loops of each.

QUARTIC is a program of a build with QUARTIC_OFFLOAD; the list of kernels is read from include/quartic/compute.
"""

import os
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
HEADERS = REPOSITORY / "include/quartic/compute"
NOT_KERNELS = {"buffer.hpp", "matrix.hpp", "reference.hpp"}
TYPES = {"float": "f", "double": "d"}
# Kernels whose loops are those of other functions, which must be there instead.
MADE_OF = {
    "gemm": ["tiled_gemm"],
    "sum_of_squares": ["dot"],
    "spmv_add": ["spmm_add"],
    "spmv_transposed_add": ["spmm_transposed_add"],
    "copy": [],  # the driver's own copy
    "convolution_forward": ["gather_columns", "tiled_gemm", "scatter_outputs"],
    "convolution_input_gradient": ["gather_outputs", "tiled_gemm", "sum_columns"],
    "convolution_weight_gradient": ["gather_outputs", "gather_columns", "tiled_gemm"],
}


def kernels(headers=HEADERS):
    """The names of all function templates that the headers declare."""
    text = "".join(file.read_text() for file in sorted(headers.glob("*.hpp")) if file.name not in NOT_KERNELS)
    return re.findall(r"^template <class T>\n[\w:]+ (\w+)\(", text, re.MULTILINE)


def entries(program):
    """The names of the kernels that the driver can launch."""
    return re.findall(rb"\.visible \.entry (\w[\w$]*)", Path(program).read_bytes())


def missing(program):
    names = b"\n".join(entries(program)).decode()
    found = []
    for kernel in kernels():
        for function in MADE_OF.get(kernel, [kernel]):
            for name, letter in TYPES.items():
                if f"{len(function)}{function}I{letter}E" not in names:
                    found.append(f"{kernel}<{name}>: no device code of {function}<{name}>")
    return found


def test_headers_are_read():
    found = kernels()
    assert {"relu_forward", "gemm", "adam_update", "causal_softmax", "spmm_add"} <= set(found)
    assert len(found) == len(set(found)) > 50
    assert set(MADE_OF) <= set(found)


def test_every_kernel_has_device_code():
    assert missing(os.environ["QUARTIC"]) == []


def test_a_program_without_device_code_is_found_out(tmp_path):
    (tmp_path / "empty").write_bytes(b"\x7fELF .visible .entry _Z12relu_forwardIfE$_omp_fn$0")
    found = missing(tmp_path / "empty")
    assert "relu_forward<float>: no device code of relu_forward<float>" not in found
    assert "relu_forward<double>: no device code of relu_forward<double>" in found
