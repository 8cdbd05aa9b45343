#!/bin/bash
# Runs the cluster's workloads and those of its peers in one sitting, in turns, and prints the medians with their ratios.
#   ./run.sh [-r REPS] [-w "WORKLOAD.."] [-p "PEER.."] [-o FILE]
# Peers: tls tcp quic (this workspace), erlang (needs `erl`), ractor and kameo (built by hand: `cargo build --release`
# in benches/cluster-peers and in benches/cluster-peers/kameo). A peer that is not there is left out.
# Their folders of programs: CARGO_TARGET_DIR, PEERS_TARGET_DIR, KAMEO_TARGET_DIR, each with its `release`.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
reps=3 out=$(mktemp)
workloads="oneway oneway2 call call_many ended down nodedown bulk join3 join10 join50"
peers="tls tcp quic erlang ractor kameo"
while getopts r:w:p:o: option; do
    case $option in
        r) reps=$OPTARG ;; w) workloads=$OPTARG ;; p) peers=$OPTARG ;; o) out=$OPTARG ;;
        *) exit 2 ;;
    esac
done
program=${CARGO_TARGET_DIR:-$root/target}/release/cluster-bench
peer_programs=${PEERS_TARGET_DIR:-$here/../cluster-peers/target}/release
kameo_programs=${KAMEO_TARGET_DIR:-${PEERS_TARGET_DIR:-$here/../cluster-peers/kameo/target}}/release
count() { case $1 in oneway*) echo 1000000 ;; call) echo 10000 ;; call_many) echo 50000 ;; ended | down) echo 500 ;; nodedown | join*) echo 5 ;; *) echo 30 ;; esac; }

run() {
    local peer=$1 workload=$2 count
    count=$(count "$workload")
    # A million are more than kameo sends in the time there is.
    case $peer-$workload in kameo-oneway*) count=100000 ;; esac
    case $peer in
        erlang) command -v erl >/dev/null && timeout 120 "$here/../cluster-peers/erlang/run.sh" "$workload" "$count" ;;
        ractor) [ -x "$peer_programs/peer-$peer" ] && timeout 120 "$peer_programs/peer-$peer" "$workload" "$count" ;;
        kameo) [ -x "$kameo_programs/peer-$peer" ] && timeout 120 "$kameo_programs/peer-$peer" "$workload" "$count" ;;
        *)
            local nodes=()
            case $workload in join*) nodes=(--nodes "${workload#join}") workload=join ;; esac
            [ -x "$program" ] && timeout 120 "$program" "$workload" "${nodes[@]}" --transport "$peer" --n "$count"
            ;;
    esac 2>/dev/null
}

for _ in $(seq "$reps"); do
    for workload in $workloads; do
        for peer in $peers; do run "$peer" "$workload" >>"$out"; done
    done
done

# The medians; in brackets, how many times better than Erlang.
python3 - "$out" <<'PYTHON'
import json, statistics, sys
runs = {}
for line in open(sys.argv[1]):
    try:
        run = json.loads(line)
    except ValueError:
        continue
    if "nodes" in run:
        run["workload"] += f"{run['nodes']:.0f}"
    for figure in ("per_sec", "p50_us", "p99_us", "mib_per_sec"):
        if figure in run:
            runs.setdefault((run["workload"], figure), {}).setdefault(run["peer"], []).append(run[figure])
FIGURES = {"oneway": ["per_sec"], "oneway2": ["per_sec"], "call": ["p50_us", "p99_us"], "call_many": ["per_sec", "p99_us"],
           "bulk": ["p50_us", "p99_us", "mib_per_sec"]}
for (workload, figure), peers in runs.items():
    if figure not in FIGURES.get(workload, ["p50_us", "p99_us"]):
        continue
    median = {peer: statistics.median(values) for peer, values in peers.items()}
    cells = []
    for peer, value in median.items():
        ratio = ""
        if peer != "erlang" and median.get("erlang"):
            times = median["erlang"] / value if figure.endswith("_us") else value / median["erlang"]
            ratio = f" ({times:.2f}x)"
        cells.append(f"{peer} {value:,.0f}{ratio}")
    print(f"{workload:10} {figure:12} " + "  ".join(cells))
PYTHON
