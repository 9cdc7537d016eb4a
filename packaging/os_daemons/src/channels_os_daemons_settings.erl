%% What CouchDB has to have set for couchdb-channels; only where the operator has not set it, and only while
%% [os_daemons] starts that program. docs/operations.md says what each is for. Called by the manager.
-module(channels_os_daemons_settings).

-export([see_to/1, changed/3, feeds_last_ms/0, end_feeds/0]).

-define(AT_RUN_TIME, [
    {"fabric", "changes_duration", "60000"},
    {"chttpd_auth", "upgrade_hash_on_auth", "false"},
    {"query_server_config", "db_tag", "none"}
]).
-define(SECRET_BYTES, 32).
%% Feeds are not ended more often than this, whatever the configuration says.
-define(FEEDS_LAST_AT_LEAST_MS, 1000).

%% `Configured`: the pairs of [os_daemons].
see_to(Configured) ->
    case lists:any(fun is_channels/1, Configured) of
        true ->
            channels_os_daemons:remember(wanted, true),
            lists:foreach(fun set_where_unset/1, ?AT_RUN_TIME),
            see_to_secret();
        false ->
            channels_os_daemons:remember(wanted, false),
            take_back()
    end.

is_channels({"channels", _Command}) -> true;
is_channels({_Name, Command}) -> channels_os_daemons_command:program(Command) =:= "couchdb-channels".

%% A value of the operator's own that goes (also by POST /_node/_local/_config/_reload, which drops all that is not
%% in a file) leaves room for ours again.
changed(Section, "secret", deleted) when Section =:= "chttpd_auth"; Section =:= "couch_httpd_auth" ->
    case channels_os_daemons:recall(wanted, false) of
        true -> see_to_secret();
        false -> ok
    end;
changed(Section, Key, deleted) ->
    Ours = [Setting || Setting = {S, K, _} <- ?AT_RUN_TIME, S =:= Section, K =:= Key],
    case channels_os_daemons:recall(wanted, false) of
        true -> lists:foreach(fun set_where_unset/1, Ours);
        false -> ok
    end;
changed(_Section, _Key, _Value) ->
    ok.

set_where_unset(Setting = {Section, Key, Value}) ->
    case config:get(Section, Key, undefined) of
        undefined ->
            ok = config:set(Section, Key, Value, false),
            channels_os_daemons:remember(set_at_run_time, lists:usort([Setting | set_at_run_time()])),
            couch_log:notice("os_daemons: [~s] ~s = ~s is set until the node stops, for couchdb-channels", [Section, Key, Value]);
        _ ->
            ok
    end.

set_at_run_time() ->
    channels_os_daemons:recall(set_at_run_time, []).

%% CouchDB is then as it would be without us. What was changed since is the operator's.
take_back() ->
    [ok = config:delete(Section, Key, false)
        || {Section, Key, Value} <- set_at_run_time(), config:get(Section, Key, undefined) =:= Value],
    channels_os_daemons:remember(set_at_run_time, []).

%% CouchDB looks at changes_duration only when a feed has had nothing to say for its heartbeat: on a busy database, or with
%% a heartbeat of hours, it would deliver for ever to a device that was locked out. So all feeds of this node
%% are told to end, each after its next row or heartbeat, by the means that CouchDB has for its own upgrades.
end_feeds() ->
    case channels_os_daemons:recall(wanted, false) andalso config:get("fabric", "changes_duration", undefined) of
        Text when is_list(Text) ->
            %% Elsewhere, because while the node stops this would wait.
            spawn(fun() -> catch fabric_view_changes:increment_changes_epoch() end),
            ok;
        _ ->
            ok
    end.

%% How long a feed may last: the time to the next end_feeds/0.
feeds_last_ms() ->
    try max(?FEEDS_LAST_AT_LEAST_MS, list_to_integer(config:get("fabric", "changes_duration", "60000")))
    catch
        error:badarg -> 60000
    end.

%% The secret that cookies are signed with. CouchDB makes one itself, and keeps it in its ini file, but only at the
%% first log-in by cookie; the daemon needs one before. On a cluster every node needs the same.
see_to_secret() ->
    case [Value || Section <- ["chttpd_auth", "couch_httpd_auth"], (Value = config:get(Section, "secret", undefined)) =/= undefined] of
        [_ | _] -> channels_os_daemons:remember(said_no_secret, false);
        [] -> make_secret(catch mem3:nodes())
    end.

make_secret([Node]) when Node =:= node() ->
    Section = secret_section(),
    hide_in_log(Section),
    Secret = lists:flatten([io_lib:format("~2.16.0b", [Byte]) || <<Byte>> <= crypto:strong_rand_bytes(?SECRET_BYTES)]),
    case catch config:set(Section, "secret", Secret, true) of
        ok ->
            couch_log:notice(
                "os_daemons: [~s] secret was not set; a random one was made and saved. "
                "If this node is to join a cluster, all nodes need the same.", [Section]);
        Error ->
            couch_log:error("os_daemons: [~s] secret is not set, and a random one cannot be saved: ~P", [Section, Error, 20])
    end;
make_secret(_NodesOfACluster) ->
    case channels_os_daemons:recall(said_no_secret, false) of
        true ->
            ok;
        false ->
            channels_os_daemons:remember(said_no_secret, true),
            couch_log:error(
                "os_daemons: [~s] secret is not set, and on a cluster none is made: "
                "set the same on every node (openssl rand -hex 32)", [secret_section()])
    end.

%% CouchDB logs what is set, in clear unless it knows the key as sensitive (since 3.2). Before, there is no way to
%% tell it; it then logs a secret that it makes itself as well.
hide_in_log(Section) ->
    case erlang:function_exported(config, is_sensitive, 2) andalso not config:is_sensitive(Section, "secret") of
        true ->
            {ok, Sensitive} = application:get_env(config, sensitive),
            Keys = maps:get(Section, Sensitive, []),
            application:set_env(config, sensitive, maps:put(Section, ["secret" | Keys], Sensitive));
        false ->
            ok
    end.

%% [chttpd_auth] since 3.2.
secret_section() ->
    _ = code:ensure_loaded(chttpd_util),
    case erlang:function_exported(chttpd_util, get_chttpd_auth_config, 1) of
        true -> "chttpd_auth";
        false -> "couch_httpd_auth"
    end.
