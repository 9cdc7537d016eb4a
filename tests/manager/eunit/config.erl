%% Stands in for CouchDB's config application: the functions that the manager calls, over a table; a change
%% is told to the listener as CouchDB does it, also one to the same value.
-module(config).

-export([start/1, stop/0, put_quietly/3, drop_unsaved/0, saved/2]).
-export([get/1, get/2, get/3, set/4, delete/3, listen_for_changes/2, is_sensitive/2]).

%% `Pairs`: [{Section, Key, Value}], as if read from ini files.
start(Pairs) ->
    ets:new(?MODULE, [public, named_table]),
    application:load({application, config, [{env, [{sensitive, #{"admins" => all}}]}]}),
    [ets:insert(?MODULE, {{Section, Key}, Value, saved}) || {Section, Key, Value} <- Pairs],
    ok.

stop() ->
    application:unload(config),
    ets:delete(?MODULE).

put_quietly(Section, Key, Value) ->
    ets:insert(?MODULE, {{Section, Key}, Value, saved}).

%% POST /_node/_local/_config/_reload
drop_unsaved() ->
    [delete(Section, Key, false) || {{Section, Key}, _, unsaved} <- ets:tab2list(?MODULE)].

saved(Section, Key) ->
    case ets:lookup(?MODULE, {Section, Key}) of
        [{_, Value, saved}] -> Value;
        _ -> undefined
    end.

get(Section) ->
    [{Key, Value} || {{S, Key}, Value, _} <- lists:sort(ets:tab2list(?MODULE)), S =:= Section].

get(Section, Key) ->
    get(Section, Key, undefined).

get(Section, Key, Default) ->
    case ets:lookup(?MODULE, {Section, Key}) of
        [{_, Value, _}] -> Value;
        [] -> Default
    end.

set(Section, Key, Value, Persist) ->
    State = case Persist of true -> saved; false -> unsaved end,
    ets:insert(?MODULE, {{Section, Key}, Value, State}),
    tell(Section, Key, Value, Persist).

delete(Section, Key, Persist) ->
    ets:delete(?MODULE, {Section, Key}),
    tell(Section, Key, deleted, Persist).

listen_for_changes(Module, State) ->
    ets:insert(?MODULE, {listener, Module, State}),
    ok.

is_sensitive(Section, Key) ->
    {ok, Sensitive} = application:get_env(config, sensitive),
    case maps:get(Section, Sensitive, []) of
        all -> true;
        Keys -> lists:member(Key, Keys)
    end.

tell(Section, Key, Value, Persist) ->
    case ets:lookup(?MODULE, listener) of
        [{_, Module, State}] -> {ok, State} = Module:handle_config_change(Section, Key, Value, Persist, State), ok;
        [] -> ok
    end.
