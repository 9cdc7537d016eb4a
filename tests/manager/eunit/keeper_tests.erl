%% What keeps the application up in a node: it waits for CouchDB, survives the supervisor's giving up, and ends when it
%% is stopped on purpose.
-module(keeper_tests).
-include_lib("eunit/include/eunit.hrl").

-define(COUCHDB, [config, config_event, couch_log_server, mem3_nodes]).

keeper_test_() ->
    {foreach, fun start/0, fun stop/1, [
        {"it waits until CouchDB is there", {timeout, 60, fun waits/0}},
        {"the supervisor gives up: the node goes on, and so does the keeper", {timeout, 60, fun gives_up/0}},
        {"stopped on purpose it is not started again", {timeout, 60, fun stopped/0}},
        {"started twice there is one", {timeout, 60, fun twice/0}},
        {"a CouchDB that has its own manager is left alone", {timeout, 60, fun has_its_own/0}}
    ]}.

start() ->
    couch_log:start(),
    config:start([]).

stop(_) ->
    Keeper = whereis(channels_os_daemons_keeper),
    is_pid(Keeper) andalso exit(Keeper, kill),
    application:stop(channels_os_daemons),
    [exit(whereis(Name), kill) || Name <- ?COUCHDB, is_pid(whereis(Name))],
    wait_for(fun() -> not lists:any(fun(Name) -> is_pid(whereis(Name)) end, [channels_os_daemons_keeper | ?COUCHDB]) end),
    config:stop(),
    couch_log:stop().

couchdb_comes_up() ->
    [register(Name, spawn(fun() -> receive stop -> ok end end)) || Name <- ?COUCHDB].

wait_for(Fun) -> wait_for(Fun, 400).

wait_for(Fun, Times) when Times > 0 ->
    Fun() orelse begin timer:sleep(50), wait_for(Fun, Times - 1) end.

is_up() -> is_pid(whereis(channels_os_daemons_manager)).

waits() ->
    channels_os_daemons:start(),
    timer:sleep(1200),
    ?assertNot(is_up()),
    couchdb_comes_up(),
    wait_for(fun is_up/0).

gives_up() ->
    couchdb_comes_up(),
    channels_os_daemons:start(),
    wait_for(fun is_up/0),
    [begin
        wait_for(fun() -> is_up() orelse whereis(channels_os_daemons_sup) =:= undefined end),
        is_up() andalso exit(whereis(channels_os_daemons_manager), kill),
        timer:sleep(20)
    end || _ <- lists:seq(1, 15)],
    couch_log:wait_for("os_daemons failed too often; they are tried again in 60 s"),
    ?assertNot(is_up()),
    ?assert(is_pid(whereis(channels_os_daemons_keeper))).

stopped() ->
    couchdb_comes_up(),
    channels_os_daemons:start(),
    wait_for(fun is_up/0),
    ok = application:stop(channels_os_daemons),
    wait_for(fun() -> whereis(channels_os_daemons_keeper) =:= undefined end),
    ?assertEqual(0, couch_log:count("failed too often")).

twice() ->
    couchdb_comes_up(),
    channels_os_daemons:start(),
    wait_for(fun is_up/0),
    Keeper = whereis(channels_os_daemons_keeper),
    Manager = whereis(channels_os_daemons_manager),
    channels_os_daemons:start(),
    timer:sleep(300),
    ?assertEqual({Keeper, Manager}, {whereis(channels_os_daemons_keeper), whereis(channels_os_daemons_manager)}).

%% As CouchDB up to 2.2 has it: all that is asked is whether there is such a module.
has_its_own() ->
    Folder = filename:join("/tmp", "couch_os_daemons_" ++ os:getpid()),
    File = filename:join(Folder, "couch_os_daemons.beam"),
    ok = filelib:ensure_dir(File),
    ok = file:write_file(File, <<>>),
    true = code:add_pathz(Folder),
    try
        couchdb_comes_up(),
        channels_os_daemons:start(),
        couch_log:wait_for("os_daemons: this CouchDB starts them itself"),
        wait_for(fun() -> not is_pid(whereis(channels_os_daemons_keeper)) end),
        ?assertNot(is_up())
    after
        code:del_path(Folder),
        ok = file:delete(File),
        ok = file:del_dir(Folder)
    end.
