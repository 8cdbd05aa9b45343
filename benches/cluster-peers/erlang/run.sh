#!/bin/sh
# One workload on two nodes of Erlang/OTP on this machine: run.sh WORKLOAD COUNT. Everything at its default, but that
# only this machine is listened to.
here=$(cd "$(dirname "$0")" && pwd)
beams=${BEAMS:-${TMPDIR:-/tmp}/ravelin-cluster-bench}
mkdir -p "$beams"
[ "$beams/clusterbench.beam" -nt "$here/clusterbench.erl" ] ||
    erlc -o "$beams" "$here/clusterbench.erl" >/dev/null || exit 1
export ERL_EPMD_ADDRESS=127.0.0.1 ERL_CRASH_DUMP_BYTES=0
node() {
    name=$1
    shift
    erl -noinput -sname "$name" -setcookie ravelin_bench -kernel inet_dist_use_interface '{127,0,0,1}' -pa "$beams" "$@"
}
node ravelin_bench_b -eval 'clusterbench:other()' </dev/null >/dev/null 2>&1 &
other=$!
node ravelin_bench_a -eval 'clusterbench:main(init:get_plain_arguments())' -extra "$@" </dev/null
kill -9 $other 2>/dev/null
wait $other 2>/dev/null
exit 0
