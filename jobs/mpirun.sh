#!/usr/bin/env bash
# mpirun on one machine, with more ranks than cores where need be:  jobs/mpirun.sh -n 8 PROGRAM …
set -euo pipefail
# Open MPI refuses root unless told twice; containers often have no other user.
if [[ $(id -u) == 0 ]]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
# Waiting ranks give up their core: a barrier of 8 ranks on 2 cores takes 20 µs with it, 25 ms without.
export OMPI_MCA_mpi_yield_when_idle=1
# One thread a rank unless the caller asks for more: the threads of several ranks pile up.
export OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS:-1}" OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
# A rank that is done waits two seconds for mpirun to hear of it; on a busy machine that is too short, and Open MPI then
# takes a run that ended well for a failed one. Ranks that are killed or exit with an error still count as failures.
export OMPI_MCA_orte_allowed_exit_without_sync=1
exec mpirun --oversubscribe --bind-to none "$@"
