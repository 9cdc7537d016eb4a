%% What the manager sets for couchdb-channels, and when.
-module(settings_tests).
-include_lib("eunit/include/eunit.hrl").

-define(CHANNELS, [{"os_daemons", "channels", "/nonexistent/couchdb-channels"}]).

settings_test_() ->
    [{Title, {timeout, 60, fun() -> with(Pairs, Nodes, Test) end}} || {Title, Pairs, Nodes, Test} <- [
        {"set where unset, and not saved", ?CHANNELS, [node()], fun set_where_unset/0},
        {"by the program's name, too", [{"os_daemons", "x", "/opt/a/couchdb-channels --y"}], [node()], fun set_where_unset/0},
        {"not without such a daemon", [{"os_daemons", "x", "/usr/bin/other"}], [node()], fun nothing_set/0},
        {"not without any daemon", [], [node()], fun nothing_set/0},
        {"the operator's values stay", ?CHANNELS ++ [{"fabric", "changes_duration", "5"}, {"chttpd_auth", "upgrade_hash_on_auth", "true"},
            {"query_server_config", "db_tag", "name"}], [node()], fun operator/0},
        {"taken back when the daemon leaves the configuration, but for what was changed", ?CHANNELS, [node()], fun taken_back/0},
        {"set again when a reload has dropped it", ?CHANNELS, [node()], fun dropped/0},
        {"set again when the operator takes his value back", ?CHANNELS ++ [{"fabric", "changes_duration", "5"}], [node()], fun operator_deletes/0},
        {"a failure of the manager forgets nothing", ?CHANNELS, [node()], fun manager_fails/0},
        {"a secret is made on a single node, saved, and not logged", ?CHANNELS, [node()], fun secret/0},
        {"a secret that is there stays", ?CHANNELS ++ [{"chttpd_auth", "secret", "mine"}], [node()], fun secret_stays/0},
        {"a secret that is taken away is made anew", ?CHANNELS ++ [{"chttpd_auth", "secret", "mine"}], [node()], fun secret_goes/0},
        {"one under the older name, too", ?CHANNELS ++ [{"couch_httpd_auth", "secret", "mine"}], [node()], fun older_secret_stays/0},
        {"on a cluster none is made, and it is said once", ?CHANNELS, [node(), 'other@host'], fun no_secret/0}
    ]].

with(Pairs, Nodes, Test) ->
    couch_log:start(),
    config:start(Pairs),
    mem3:set_nodes(Nodes),
    ok = application:start(channels_os_daemons, temporary),
    try Test()
    after
        application:stop(channels_os_daemons),
        mem3:set_nodes([node()]),
        config:stop(),
        couch_log:stop()
    end.

values() ->
    {config:get("fabric", "changes_duration"), config:get("chttpd_auth", "upgrade_hash_on_auth"), config:get("query_server_config", "db_tag")}.

%% The manager has done all that it was told.
settle() ->
    sys:get_state(channels_os_daemons_manager).

set_where_unset() ->
    ?assertEqual({"60000", "false", "none"}, values()),
    ?assertEqual(undefined, config:saved("fabric", "changes_duration")),
    ?assertEqual(3, couch_log:count("is set until the node stops")).

nothing_set() ->
    settle(),
    ?assertEqual({undefined, undefined, undefined}, values()),
    ?assertEqual([], config:get("chttpd_auth")).

operator() ->
    ?assertEqual({"5", "true", "name"}, values()).

taken_back() ->
    config:set("query_server_config", "db_tag", "prefix", true),
    config:delete("os_daemons", "channels", true),
    settle(),
    ?assertEqual({undefined, undefined, "prefix"}, values()).

dropped() ->
    config:drop_unsaved(),
    settle(),
    ?assertEqual({"60000", "false", "none"}, values()).

operator_deletes() ->
    config:delete("fabric", "changes_duration", true),
    settle(),
    ?assertEqual({"60000", "false", "none"}, values()).

manager_fails() ->
    Pid = whereis(channels_os_daemons_manager),
    exit(Pid, kill),
    new_manager(Pid),
    config:delete("os_daemons", "channels", true),
    settle(),
    ?assertEqual({undefined, undefined, undefined}, values()).

new_manager(Old) ->
    case whereis(channels_os_daemons_manager) of
        Pid when is_pid(Pid), Pid =/= Old -> settle();
        _ -> timer:sleep(20), new_manager(Old)
    end.

secret() ->
    Secret = config:saved("couch_httpd_auth", "secret"),
    ?assertMatch({match, _}, re:run(Secret, "^[0-9a-f]{64}$")),
    ?assertEqual(0, couch_log:count(Secret)),
    ?assertEqual(1, couch_log:count("secret was not set; a random one was made and saved")),
    ?assert(config:is_sensitive("couch_httpd_auth", "secret")).

secret_stays() ->
    ?assertEqual("mine", config:get("chttpd_auth", "secret")),
    ?assertEqual(undefined, config:get("couch_httpd_auth", "secret")).

secret_goes() ->
    config:delete("chttpd_auth", "secret", true),
    settle(),
    ?assertMatch({match, _}, re:run(config:saved("couch_httpd_auth", "secret"), "^[0-9a-f]{64}$")).

older_secret_stays() ->
    ?assertEqual("mine", config:get("couch_httpd_auth", "secret")),
    ?assertEqual(undefined, config:get("chttpd_auth", "secret")).

no_secret() ->
    config:set("os_daemons", "other", "/nonexistent/other", true),
    settle(),
    ?assertEqual(undefined, config:get("couch_httpd_auth", "secret")),
    ?assertEqual(1, couch_log:count("on a cluster none is made: set the same on every node")).
