%% The same workloads on two nodes of Erlang/OTP: plain processes and gen_server:call.
-module(clusterbench).
-export([main/1, other/0, idle/0, reach/2, init/1, handle_call/3, handle_cast/2, handle_info/2]).
-behaviour(gen_server).

%% ---- the other node ----

other() ->
    {ok, _} = gen_server:start({local, sink}, ?MODULE, [], []),
    ok.

idle() -> receive die -> exit(os:system_time(nanosecond)) end.

init([]) -> {ok, 0}.
handle_call(count, _, N) -> {reply, N, N};
handle_call({echo, X}, _, N) -> {reply, X, N};
handle_call(idler, _, N) -> {reply, spawn(?MODULE, idle, []), N};
handle_call({blob, B}, _, N) -> {reply, byte_size(B), N}.
handle_cast(_, N) -> {noreply, N}.
handle_info({m, _, _}, N) -> {noreply, N + 1}.

%% ---- the measuring node ----

main([Workload, Count]) ->
    logger:set_primary_config(level, none),
    {ok, Host} = inet:gethostname(),
    Node = list_to_atom("ravelin_bench_b@" ++ Host),
    wait(Node, 500),
    run(Workload, list_to_integer(Count), Node),
    rpc:cast(Node, erlang, halt, [0, [{flush, false}]]),
    timer:sleep(100),
    erlang:halt(0, [{flush, false}]).

wait(_, 0) -> io:format(standard_error, "the other node is not there~n", []), erlang:halt(1);
wait(Node, N) ->
    case net_adm:ping(Node) =:= pong andalso rpc:call(Node, erlang, whereis, [sink]) of
        Pid when is_pid(Pid) -> ok;
        _ -> timer:sleep(20), wait(Node, N - 1)
    end.

run("oneway", N, Node) -> oneway("oneway", N, 1, Node);
run("oneway2", N, Node) -> oneway("oneway2", N, 2, Node);
run("call", N, Node) -> calls("call", N, 1, Node);
run("call_many", N, Node) -> calls("call_many", N, 16, Node);
run("ended", N, Node) ->
    Begun = now_ns(),
    Each = [ended(Node) || _ <- lists:seq(1, N)],
    report_each("ended", now_ns() - Begun, Each, []);
run("down", N, Node) ->
    Begun = now_ns(),
    Each = [down(Node) || _ <- lists:seq(1, N)],
    report_each("down", now_ns() - Begun, Each, []);
run("nodedown", _, Node) ->
    Pid = gen_server:call({sink, Node}, idler),
    Os = rpc:call(Node, os, getpid, []),
    Ref = monitor(process, Pid),
    gen_server:call({sink, Node}, idler),
    %% A shell that is there already, so that its start is not measured.
    Port = open_port({spawn, "/bin/sh"}, [stream]),
    timer:sleep(50),
    Begun = now_ns(),
    port_command(Port, ["kill -9 ", Os, "\n"]),
    receive {'DOWN', Ref, _, _, noconnection} -> ok end,
    Took = now_ns() - Begun,
    report_each("nodedown", Took, [Took], []);
%% Once, whatever the count says: nodes that were connected do not part in peace. The others are halted.
run("join" ++ Nodes, _, Node) ->
    Count = list_to_integer(Nodes),
    rpc:cast(Node, erlang, halt, [0, [{flush, false}]]),
    reached(0),
    Took = join(Count - 1),
    report_each("join", Took, [Took], [{"nodes", Count}]);
run("bulk", N, Node) ->
    Self = self(),
    Blob = binary:copy(<<7>>, 8 bsl 20),
    Pinger = spawn_link(fun() -> pings(Node, []) end),
    Begun = now_ns(),
    [8388608 = gen_server:call({sink, Node}, {blob, Blob}, infinity) || _ <- lists:seq(1, N)],
    Took = now_ns() - Begun,
    Pinger ! {stop, Self},
    Each = receive {pings, P} -> P end,
    report_each("bulk", Took, Each, [{"mib_per_sec", N * 8 / (Took / 1.0e9)}]).

%% The others have booted and know nobody; until each is connected to all.
join(Others) ->
    Args = ["-setcookie", "ravelin_bench", "-kernel", "inet_dist_use_interface", "{127,0,0,1}",
            "-kernel", "logger_level", "none", "-pa", filename:dirname(code:which(?MODULE))],
    Start = fun() ->
        {ok, Peer, _} = peer:start(#{name => peer:random_name(), connection => standard_io, args => Args}),
        Peer
    end,
    Peers = [Start() || _ <- lists:seq(1, Others)],
    Seed = node(),
    Begun = now_ns(),
    each(Peers, fun(Peer) -> ok = peer:call(Peer, ?MODULE, reach, [Seed, Others], 60000) end),
    reached(Others),
    Took = now_ns() - Begun,
    [peer:cast(Peer, erlang, halt, [0, [{flush, false}]]) || Peer <- Peers],
    Took.

reach(Seed, Others) ->
    true = net_kernel:connect_node(Seed),
    reached(Others).

reached(Others) ->
    case length(nodes()) of
        Others -> ok;
        _ -> timer:sleep(1), reached(Others)
    end.

pings(Node, Each) ->
    Begun = now_ns(),
    1 = gen_server:call({sink, Node}, {echo, 1}, infinity),
    Took = now_ns() - Begun,
    receive {stop, To} -> To ! {pings, [Took | Each]}
    after max(0, 5 - Took div 1000000) -> pings(Node, [Took | Each])
    end.

oneway(Name, N, Senders, Node) ->
    each(Senders, fun() -> flood(N div Senders div 20, Node) end),
    Before = gen_server:call({sink, Node}, count, infinity),
    Begun = now_ns(),
    each(Senders, fun() -> flood(N div Senders, Node) end),
    Took = now_ns() - Begun,
    After = gen_server:call({sink, Node}, count, infinity),
    After = Before + N div Senders * Senders,
    report(Name, N, Took, []).

%% To a pid, which is faster than to a name.
flood(N, Node) ->
    Pid = rpc:call(Node, erlang, whereis, [sink]),
    send(Pid, N, <<0:128>>),
    gen_server:call(Pid, count, infinity).

send(_, 0, _) -> ok;
send(Pid, N, Bytes) -> Pid ! {m, N, Bytes}, send(Pid, N - 1, Bytes).

calls(Name, N, Callers, Node) ->
    each(Callers, fun() -> calls(2000 div Callers, Node) end),
    Begun = now_ns(),
    Each = each(Callers, fun() -> calls(N div Callers, Node) end),
    report_each(Name, now_ns() - Begun, lists:append(Each), []).

calls(N, Node) -> [call(Node, X) || X <- lists:seq(1, N)].
call(Node, X) ->
    Begun = now_ns(),
    X = gen_server:call({sink, Node}, {echo, X}),
    now_ns() - Begun.

ended(Node) ->
    Pid = gen_server:call({sink, Node}, idler),
    Ref = monitor(process, Pid),
    gen_server:call({sink, Node}, idler),
    Pid ! die,
    receive {'DOWN', Ref, _, _, Ended} when is_integer(Ended) -> os:system_time(nanosecond) - Ended end.

down(Node) ->
    Pid = gen_server:call({sink, Node}, idler),
    Ref = monitor(process, Pid),
    gen_server:call({sink, Node}, idler),
    Begun = now_ns(),
    exit(Pid, kill),
    receive {'DOWN', Ref, _, _, killed} -> now_ns() - Begun end.

each(Count, F) when is_integer(Count) -> each(lists:seq(1, Count), fun(_) -> F() end);
each(All, F) ->
    Self = self(),
    Refs = [begin R = make_ref(), spawn_link(fun() -> Self ! {R, F(Each)} end), R end || Each <- All],
    [receive {R, X} -> X end || R <- Refs].

now_ns() -> erlang:monotonic_time(nanosecond).

report_each(Name, Took, Each, Extra) ->
    Sorted = list_to_tuple(lists:sort(Each)),
    Us = fun(Part) -> element(trunc((tuple_size(Sorted) - 1) * Part) + 1, Sorted) / 1.0e3 end,
    report(Name, tuple_size(Sorted), Took,
           [{"p50_us", Us(0.5)}, {"p99_us", Us(0.99)}, {"max_us", Us(1.0)} | Extra]).

report(Name, N, Took, Extra) ->
    More = [io_lib:format(",\"~s\":~.1f", [K, V * 1.0]) || {K, V} <- Extra],
    io:format("{\"peer\":\"erlang\",\"workload\":\"~s\",\"n\":~b,\"secs\":~.6f,\"per_sec\":~b~s}~n",
              [Name, N, Took / 1.0e9, round(N / (Took / 1.0e9)), More]).
