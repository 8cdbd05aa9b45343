#!/usr/bin/env escript
%%! -noshell
%% Runs the rows of otp.txt on Erlang/OTP's gen_statem, and prints them with what it gave: escript record.escript < otp.txt > new.txt
-module(record).
-mode(compile).
-behaviour(gen_statem).
-export([main/1, init/1, callback_mode/0, handle_event/4, terminate/3]).

main(_) ->
    logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    rows(lines()).

lines() ->
    case io:get_line("") of
        eof -> [];
        Line -> [string:trim(Line, trailing) | lines()]
    end.

rows([]) -> ok;
rows(["row " ++ _ = Name | Lines]) ->
    {Row, Rest} = lists:splitwith(fun(L) -> string:prefix(L, "  ") =/= nomatch end, Lines),
    Told = [string:trim(L) || L <- Row],
    Kept = [L || L <- Told, string:prefix(L, "gives:") =:= nomatch],
    io:format("~s~n", [Name]),
    [io:format("  ~s~n", [L]) || L <- Kept],
    io:format("  gives: ~s~n", [lists:join(" ", run(Kept))]),
    rows(Rest);
rows([Other | Lines]) -> io:format("~s~n", [Other]), rows(Lines).

run(Lines) ->
    {[Send], Rules} = lists:partition(fun(L) -> string:prefix(L, "send:") =/= nomatch end, Lines),
    Log = self(),
    {ok, Pid} = gen_statem:start_link(?MODULE, {Log, maps:from_list([rule(R) || R <- Rules])}, []),
    erlang:suspend_process(Pid),
    send(Pid, string:lexemes(string:prefix(Send, "send:"), " ")),
    catch erlang:resume_process(Pid),
    receive after 250 -> ok end,
    unlink(Pid),
    exit(Pid, kill),
    heard(Pid).

heard(Pid) ->
    receive
        {'EXIT', Pid, Why} -> [lists:flatten(io_lib:format("exit:~p", [Why])) | heard(Pid)];
        {'EXIT', _, _} -> heard(Pid);
        {told, What} -> [What | heard(Pid)]
    after 0 -> []
    end.

send(_, []) -> ok;
send(Pid, ["|" | Rest]) ->
    catch erlang:resume_process(Pid),
    receive after 20 -> ok end,
    catch erlang:suspend_process(Pid),
    send(Pid, Rest);
send(Pid, [E | Rest]) -> Pid ! E, send(Pid, Rest).

%% "a e1: next b; state 0 t1" is {{"a","e1"}, [["next","b"], ["state","0","t1"]]}
rule(Line) ->
    [Head, Tail] = string:split(Line, ":"),
    [State, Event] = string:lexemes(Head, " "),
    {{State, Event}, [string:lexemes(A, " ") || A <- string:lexemes(Tail, ";")]}.

callback_mode() -> [handle_event_function, state_enter].

init({Log, Rules}) ->
    Actions = maps:get({"a", "init"}, Rules, []),
    {ok, "a", {Log, Rules}, [action(A) || A <- Actions]}.

handle_event(enter, From, State, {Log, Rules} = Data) ->
    Log ! {told, State ++ ".enter(" ++ From ++ ")"},
    {keep_state, Data, [action(A) || A <- maps:get({State, "enter"}, Rules, [])]};
handle_event(_, Event, State, {Log, Rules} = Data) ->
    Log ! {told, State ++ "." ++ Event},
    Actions = maps:get({State, Event}, Rules, []),
    Others = [action(A) || A <- Actions, not is_turn(A)],
    case [A || A <- Actions, is_turn(A)] of
        [] -> {keep_state, Data, Others};
        [["next", To]] -> {next_state, To, Data, Others};
        [["repeat"]] -> {repeat_state, Data, Others};
        [["stop"]] -> stop
    end.

is_turn([Word | _]) -> lists:member(Word, ["next", "repeat", "stop"]).

action(["postpone"]) -> postpone;
action(["insert", E]) -> {next_event, internal, E};
action(["at" | Timeout]) ->
    {Kind, Time, E} = timeout(Timeout),
    {Kind, erlang:monotonic_time(millisecond) + Time, E, [{abs, true}]};
action(["cancel" | Kind]) -> {kind(Kind), cancel};
action(["update" | Rest]) -> {Kind, [E]} = lists:split(length(Rest) - 1, Rest), {kind(Kind), update, E};
action(Timeout) -> timeout(Timeout).

timeout(["named", Name, Time, E]) -> {{timeout, Name}, list_to_integer(Time), E};
timeout([Kind, Time, E]) -> {kind([Kind]), list_to_integer(Time), E}.

kind(["state"]) -> state_timeout;
kind(["event"]) -> timeout;
kind(["named", Name]) -> {timeout, Name}.

terminate(Why, _, {Log, _}) -> Log ! {told, lists:flatten(io_lib:format("terminate:~p", [Why]))}.
