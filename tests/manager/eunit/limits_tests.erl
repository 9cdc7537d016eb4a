-module(limits_tests).
-include_lib("eunit/include/eunit.hrl").
-import(channels_os_daemons_limits, [failures/4, delay_ms/2]).

the_delay_grows_and_never_ends_the_restarts_test() ->
    Delays = [delay_ms(Failures, 3) || Failures <- lists:seq(1, 12)],
    ?assertEqual([0, 0, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000, 60000], Delays),
    ?assertEqual(60000, delay_ms(1000000, 3)).

a_run_that_lasted_begins_the_count_anew_test() ->
    ?assertEqual(4, failures(3, 4999, 5000, 0)),
    ?assertEqual(1, failures(3, 5001, 5000, 0)),
    %% It has to outlast the delay before it, too.
    ?assertEqual(9, failures(8, 20000, 5000, 32000)),
    ?assertEqual(1, failures(8, 40000, 5000, 32000)).

settings_test_() ->
    {setup, fun() -> config:start([{"os_daemon_settings", "kill_timeout", "7"}, {"os_daemon_settings", "max_retries", "0"},
                                   {"os_daemon_settings", "max_line", "many"}, {"os_daemon_settings", "retry_time", "-1"}]) end,
     fun(_) -> config:stop() end, [
        {"a number", ?_assertEqual(7, channels_os_daemons_limits:kill_timeout())},
        {"not set", ?_assertEqual(60000, channels_os_daemons_limits:read_timeout_ms())},
        {"too small", ?_assertEqual(1, channels_os_daemons_limits:max_retries())},
        {"no number", ?_assertEqual(1048576, channels_os_daemons_limits:max_line())},
        {"negative", ?_assertEqual(5000, channels_os_daemons_limits:retry_time_ms())}
    ]}.
