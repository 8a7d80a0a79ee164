#!/usr/bin/env bash
# The demo: PipeDream on a tridiagonal quadratic with 2, 4, 8 and 16 stages, one rank per stage, and a figure
# of the runs. 600 rows in microbatches of 5 and 5 epochs are 600 updates per run. With 512 features all
# runs together take a minute, mostly for starting ranks.
#
#   jobs/demo.sh [FOLDER]       FOLDER: the folder of the runs (default: runs/demo)
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-runs/demo}
figures=analysis/out
python=${PYTHON:-/usr/bin/python3}
program=${QUARTIC:-build/release/quartic}   # an installed quartic: QUARTIC=quartic
export PYTHONDONTWRITEBYTECODE=1 MPLBACKEND=Agg

mkdir -p "$folder"
echo "Data: $folder/tridiagonal.h5"
"$python" analysis/make_data.py tridiagonal --rows 600 --features 512 --out "$folder/tridiagonal.h5"

for stages in 2 4 8 16; do
  echo
  echo "PipeDream, $stages stages on $stages ranks: $folder/S$(printf %02d "$stages")"
  jobs/mpirun.sh -n "$stages" "$program" run \
    --method pipedream --stages "$stages" --objective quadratic --data "$folder/tridiagonal.h5" \
    --microbatch-size 5 --epochs 5 --learning-rate 0.00390625 --evaluate-every 1 --trace-events \
    --out "$folder/S$(printf %02d "$stages")" --overwrite
done

echo
"$python" analysis/demo_figure.py "$folder" --out "$figures"
