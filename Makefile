# Short names for CMake presets and scripts; `make help` lists them.
#
# The default Python is the distribution's, because only that one sees the distribution's packages.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
JOBS ?= $(shell nproc)
# Warnings are errors in the presets audit, asan and tidy; QUARTIC_WERROR=ON makes them errors in all presets.
# With QUARTIC_ASSERTIONS=ON too, the release has the same flags as audit, so ccache compiles each file only once.
QUARTIC_WERROR ?= OFF
QUARTIC_ASSERTIONS ?= OFF
# The processors to compile for, as in g++ -march; the presets use this machine's own.
MARCH ?=

export PYTHON JOBS QUARTIC_WERROR QUARTIC_ASSERTIONS
.DEFAULT_GOAL := build
.PHONY: build gpu test-gpu test-gpu-programs bundle test demo check-all bench convergence peers models figures report install-packages format tidy asan clean help reconfigure

build: build/release/build.ninja  ## the executable, build/release/quartic (the default)
	cmake --build build/release --target quartic --parallel $(JOBS)

test: packages-test build build/audit/build.ninja  ## build with assertions, and run every quick test (minutes); installs what is missing
	cmake --build build/audit --parallel $(JOBS)
	ctest --preset audit --parallel $$(($(JOBS) + 2))  # some only wait

gpu: packages-gpu build/gpu/build.ninja  ## the executable with kernels for NVIDIA GPUs, build/gpu/quartic
	cmake --build build/gpu --target quartic --parallel $(JOBS)

test-gpu: packages-gpu build/gpu/build.ninja  ## test the kernels for NVIDIA GPUs, on a GPU or on the host in its place
	cmake --build build/gpu --target test_offload --parallel $(JOBS)
	ctest --preset gpu -R '^offload$$|code'

test-gpu-programs: packages-gpu build/gpu/build.ninja  ## as test-gpu, for networks and for whole runs of every method
	cmake --build build/gpu --target test_offload_nn quartic_as_device --parallel $(JOBS)
	ctest --preset gpu -R '^offload.(nn|program)'

bundle: packages-gpu build/gpu/build.ninja  ## a relocatable tree in build/bundle, for nodes that have only the NVIDIA driver
	cmake --build build/gpu --target quartic test_offload bench_gpu --parallel $(JOBS)
	cmake/bundle.sh build/gpu build/bundle/quartic

demo: packages-demo build  ## train the small published example on 2, 4, 8 and 16 stages, and plot it; installs what is missing
	jobs/demo.sh

check-all: packages-all  ## run every slow test, as before a release; results in tests/check-all-results.txt
	tests/check_all.sh

bench: build/bench/build.ninja  ## measure speed and memory against their targets; results in tests/bench/results.md (minutes)
	cmake --build build/bench --parallel $(JOBS)
	$(PYTHON) tests/bench/results.py build/bench

convergence: build/bench/build.ninja  ## repeat the published experiments E3 and E4 over several seeds; results in tests/bench/convergence.md (20 minutes)
	cmake --build build/bench --target quartic --parallel $(JOBS)
	$(PYTHON) tests/bench/convergence.py build/bench

peers: build/bench/build.ninja  ## compare a training step of a language model with PyTorch's; results in tests/bench/peers.md (needs python3-torch)
	cmake --build build/bench --target quartic --parallel $(JOBS)
	$(PYTHON) tests/bench/peers.py build/bench

DATA ?= data
models: build/bench/build.ninja  ## train language models and image networks with rival methods; results in tests/bench/models.md (DATA=folder, an hour)
	cmake --build build/bench --target quartic --parallel $(JOBS)
	$(PYTHON) tests/bench/models.py build/bench $(DATA)

figures: packages-figures  ## run the notebooks of all studies that have runs; the pages go to analysis/out
	$(PYTHON) analysis/report.py

STUDY ?= delay
report: packages-figures  ## one study's notebook as a single page: make report STUDY=delay
	$(PYTHON) analysis/report.py $(STUDY)

asan: build/asan/build.ninja  ## run the tests under the address, leak and undefined-behaviour sanitizers
	cmake --build build/asan --parallel $(JOBS)
	ctest --preset asan --parallel $(JOBS)

tidy: build/tidy/build.ninja  ## run clang-tidy on every file
	cmake --build build/tidy --parallel $(JOBS)

format:  ## run clang-format on every C++ file, in place
	git ls-files -co --exclude-standard '*.cpp' '*.hpp' | xargs clang-format -i

install-packages:  ## install what building, testing and the figures need (Debian, Ubuntu; as root)
	cmake/packages.sh build analysis test

packages-%:
	@cmake/packages.sh $(packages_for_$*)
packages_for_demo = build analysis
packages_for_figures = analysis
packages_for_test = build analysis test
packages_for_gpu  = build test gpu
packages_for_all  = build analysis test tools slurm gpu

build/%/build.ninja: CMakePresets.json $(if $(MARCH),reconfigure)
	cmake --preset $* -DQUARTIC_PYTHON=$(PYTHON) $(if $(MARCH),-DQUARTIC_MARCH=$(MARCH)) $(foreach name,QUARTIC_WERROR QUARTIC_ASSERTIONS,$(if $(filter ON,$($(name))),-D$(name)=ON))
	@touch $@
.PRECIOUS: build/%/build.ninja

clean:  ## remove build/
	rm -rf build

help:  ## print this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26
