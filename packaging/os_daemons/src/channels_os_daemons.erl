%% The manager as an application of its own beside CouchDB's, and the way it gets into the node: start/0 is called
%% by start.eval (or by `-s channels_os_daemons`), loads what does not load from ebin by compiling src, waits
%% until CouchDB is there, and starts the application as `temporary`, so that its end never is the node's.
%% Started last, it is stopped first: daemons end while CouchDB still answers them.
-module(channels_os_daemons).
-behaviour(application).

-export([start/0, priv_file/1, remember/2, recall/2]).
-export([start/2, prep_stop/1, stop/1]).

-define(APP, ?MODULE).
%% After the supervisor has given up; what made it fail is then given time to pass.
-define(AGAIN_MS, 60000).

start() ->
    spawn(fun() ->
        case catch register(channels_os_daemons_keeper, self()) of
            true ->
                load(),
                wait_for_couchdb(),
                _ = open_memory(),
                keep();
            _ ->
                already_there
        end
    end),
    ok.

start(_Type, _Arguments) ->
    _ = open_memory(),
    remember(stopped_on_purpose, false),
    channels_os_daemons_sup:start_link().

%% Called when the supervisor has given up, too; then it is gone already.
prep_stop(State) ->
    remember(stopped_on_purpose, is_pid(whereis(channels_os_daemons_sup))),
    State.

stop(_State) ->
    ok.

%% A file that lies beside ebin, in priv.
priv_file(Name) ->
    filename:join([home(), "priv", Name]).

home() ->
    filename:dirname(filename:dirname(code:where_is_file(atom_to_list(?APP) ++ ".app"))).

%% What outlives a failure of the application: a table of the process that keeps it. (Not the application's environment:
%% while the node stops, a change of that waits for the stop itself.)
open_memory() ->
    ets:info(?MODULE, name) =:= undefined andalso ets:new(?MODULE, [public, named_table]).

remember(Key, Value) ->
    ets:insert(?MODULE, {Key, Value}),
    ok.

recall(Key, Default) ->
    case ets:lookup(?MODULE, Key) of
        [{Key, Value}] -> Value;
        [] -> Default
    end.

load() ->
    case application:load(?APP) of
        ok -> ok;
        {error, {already_loaded, ?APP}} -> ok
    end,
    {ok, Modules} = application:get_key(?APP, modules),
    lists:foreach(fun load_module/1, Modules).

load_module(Module) ->
    case code:is_loaded(Module) =/= false orelse element(1, code:load_file(Module)) =:= module of
        true -> ok;
        false -> compile_module(Module)
    end.

%% The .beam is another OTP's; the node's own compiler makes one that fits, in memory.
compile_module(Module) ->
    Source = filename:join([home(), "src", atom_to_list(Module) ++ ".erl"]),
    case compile:file(Source, [binary, return_errors]) of
        {ok, Module, Beam} ->
            {module, Module} = code:load_binary(Module, Source, Beam);
        Errors ->
            io:format(standard_error, "os_daemons are not started: ~s does not compile: ~p~n", [Source, Errors]),
            exit(normal)
    end.

%% Without end: in a node that is no CouchDB (a remote shell that inherited the flags) nothing ever starts.
%% CouchDB before 2.3 has a manager of its own.
wait_for_couchdb() ->
    Needed = [config, config_event, couch_log_server, mem3_nodes],
    case lists:all(fun(Name) -> is_pid(whereis(Name)) end, Needed) of
        false ->
            timer:sleep(500),
            wait_for_couchdb();
        true ->
            case code:which(couch_os_daemons) of
                non_existing ->
                    ok;
                _ ->
                    couch_log:info("os_daemons: this CouchDB starts them itself", []),
                    exit(normal)
            end
    end.

keep() ->
    case application:start(?APP, temporary) of
        ok -> wait_for_end();
        {error, {already_started, ?APP}} -> wait_for_end();
        {error, Reason} -> couch_log:error("os_daemons cannot be started: ~p", [Reason])
    end,
    case {recall(stopped_on_purpose, false), init:get_status()} of
        {true, _} ->
            ok;
        {_, {stopping, _}} ->
            ok;
        _ ->
            couch_log:error("os_daemons failed too often; they are tried again in ~b s", [?AGAIN_MS div 1000]),
            timer:sleep(?AGAIN_MS),
            keep()
    end.

wait_for_end() ->
    Reference = erlang:monitor(process, channels_os_daemons_sup),
    receive
        {'DOWN', Reference, process, _, _} -> ok
    end.
