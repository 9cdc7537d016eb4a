%% Stands in for CouchDB in a release of Debian's Erlang: what the manager of os_daemons waits for and calls, over the ini files of
%% etc, which it reads again when they change. Without HTTP and databases: the daemons come up, and wait.
-module(stand_in).
-behaviour(application).

-export([start/0, start/2, stop/1, keep/1]).

-define(NAMES, [config_event, couch_log_server, mem3_nodes]).
-define(LOOK_MS, 200).

start() ->
    ok = application:start(?MODULE).

start(_Type, _Arguments) ->
    Home = self(),
    Pid = spawn_link(?MODULE, keep, [Home]),
    receive {Pid, ready} -> {ok, Pid} end.

stop(_State) ->
    ok.

%% Owns the tables of the stand-ins of tests/manager/eunit.
keep(Home) ->
    process_flag(trap_exit, true),
    couch_log:start(),
    Pairs = read(),
    config:start(Pairs),
    register(config, self()),
    [register(Name, spawn_link(timer, sleep, [infinity])) || Name <- ?NAMES],
    Home ! {self(), ready},
    loop(Pairs, 0).

loop(Pairs, Said) ->
    receive
        {'EXIT', _, shutdown} -> exit(shutdown);
        {'EXIT', _, Reason} -> exit(Reason)
    after ?LOOK_MS ->
        Lines = couch_log:all(),
        [io:format(standard_error, "[~s] ~s~n", [Level, Text]) || {Level, Text} <- lists:nthtail(Said, Lines)],
        Now = read(),
        [config:set(Section, Key, Value, true) || {Section, Key, Value} <- Now -- Pairs],
        [config:delete(Section, Key, true) || {Section, Key, _} <- Pairs -- Now, not lists:any(fun({S, K, _}) -> {S, K} =:= {Section, Key} end, Now)],
        loop(Now, length(Lines))
    end.

%% [{Section, Key, Value}] of the files, in CouchDB's order.
read() ->
    Files = lists:sort(filelib:wildcard("etc/default.d/*.ini")) ++ ["etc/local.ini"],
    {_, Pairs} = lists:foldl(fun line/2, {"", []}, lists:append([lines(File) || File <- Files])),
    %% Pairs has the last line first, and of equal keys the last of maps:from_list/1 stays.
    lists:sort(maps:fold(fun({Section, Key}, Value, All) -> [{Section, Key, Value} | All] end, [],
                         maps:from_list([{{S, K}, V} || {S, K, V} <- lists:reverse(Pairs)]))).

lines(File) ->
    {ok, Text} = file:read_file(File),
    string:split(binary_to_list(Text), "\n", all).

line("[" ++ Rest, {_, Pairs}) -> {lists:takewhile(fun(C) -> C =/= $] end, Rest), Pairs};
line(";" ++ _, State) -> State;
line(Line, {Section, Pairs}) ->
    case string:split(Line, " = ") of
        [Key, Value] -> {Section, [{Section, Key, Value} | Pairs]};
        _ -> {Section, Pairs}
    end.
