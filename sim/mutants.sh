#!/bin/sh
# Builds the framework with one part of it broken on purpose, for each such mutant, and runs a scenario in the
# simulator until that is found. Prints a row for each: the mutant, after how many seeds, and what said so.
#
# Usage: sim/mutants.sh [MUTANT..]    RAVELIN_SEEDS=5000 says how many seeds at most.
set -eu
cd "$(dirname "$0")/.."
: "${RAVELIN_SEEDS:=2000}"
export RAVELIN_SEEDS
CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/mutants"
export CARGO_TARGET_DIR
mkdir -p "$CARGO_TARGET_DIR"
all=$(grep -rhoE 'ravelin_mutant = "[a-z_]+"' core/src supervisor/src mailbox/src | cut -d '"' -f 2 | sort -u)
[ $# -gt 0 ] && all=$*
echo "| mutant | seeds to detection | what is broken |"
echo "| --- | --- | --- |"
status=0
for mutant in $all; do
    # Only the crates of the workspace are built anew: a wrapper of its own for each mutant adds the cfg.
    wrapper="$CARGO_TARGET_DIR/$mutant.sh"
    printf '#!/bin/sh\nexec "$@" --cfg "ravelin_mutant=\\"%s\\""\n' "$mutant" >"$wrapper"
    chmod +x "$wrapper"
    if said=$(RUSTC_WORKSPACE_WRAPPER="$wrapper" RUST_BACKTRACE=0 \
        cargo test -q -p ravelin-sim --test promises 2>&1); then
        echo "| \`$mutant\` | not found in $RAVELIN_SEEDS | |"
        status=1
        continue
    fi
    seed=$(echo "$said" | grep -oE 'fails with seed [0-9]+' | head -n 1 | grep -oE '[0-9]+' || true)
    what=$(echo "$said" | grep -oE 'the invariant `[^`]+`|panicked at .*|deadlock|endless|two runs .* differ' |
        grep -vE 'panicked at sim/tests/promises.rs:[0-9]+:[0-9]+:$' | head -n 1 || true)
    if [ -z "$seed" ]; then
        echo "| \`$mutant\` | it does not build or run | $(echo "$said" | tail -n 1) |"
        status=1
        continue
    fi
    echo "| \`$mutant\` | $((seed + 1)) | $what |"
done
exit $status
