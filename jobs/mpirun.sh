#!/usr/bin/env bash
# Runs mpirun on one machine and allows more ranks than cores:  jobs/mpirun.sh -n 8 PROGRAM …
set -euo pipefail
# Open MPI runs as root only if both variables are set. Containers often have no other user.
if [[ $(id -u) == 0 ]]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
# Waiting ranks yield their core: a barrier of 8 ranks on 2 cores takes 20 µs with this setting, 25 ms without.
export OMPI_MCA_mpi_yield_when_idle=1
# One thread per rank unless the caller sets more, because the threads of all ranks share the cores.
export OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS:-1}" OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
# A rank that has ended waits two seconds for mpirun to notice. This is too short on a busy machine, and Open MPI would then
# report a successful run as failed. Ranks that are killed or exit with an error still count as failures.
export OMPI_MCA_orte_allowed_exit_without_sync=1
exec mpirun --oversubscribe --bind-to none "$@"
