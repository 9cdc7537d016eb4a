%% [os_daemon_settings], read when it is needed, and the rule of delays between restarts. What is no number there
%% counts as not set.
-module(channels_os_daemons_limits).

-export([kill_timeout/0, read_timeout_ms/0, messages_per_second/0, max_line/0, max_retries/0, retry_time_ms/0]).
-export([failures/4, delay_ms/2]).

-define(MAX_DELAY_MS, 60000).
%% A restart at once is followed by the next after this: a program that ends at once would else be a busy loop.
-define(FIRST_DELAY_MS, 1000).

%% Seconds from SIGTERM and the end of stdin to SIGKILL.
kill_timeout() -> number("kill_timeout", 15).

%% A daemon that leaves its answers unread for so long is stopped, and started again. 0 is never.
read_timeout_ms() -> number("read_timeout", 60) * 1000.

%% More are left unread in the daemon's pipe for a while. Keeps a daemon that floods from being the node's load.
messages_per_second() -> max(1, number("messages_per_second", 2000)).

%% Bytes; a longer line is dropped to its end.
max_line() -> max(1024, number("max_line", 1048576)).

%% The two keys of CouchDB 1.1 to 2.2: there the third end within 5 s was the last. Here it is the first that is
%% followed by a delay.
max_retries() -> max(1, number("max_retries", 3)).
retry_time_ms() -> number("retry_time", 5) * 1000.

%% Failures in a row, after a run that ended by itself. One that lasted longer than RetryTime, and than
%% the delay before it, begins the count anew.
failures(Failures, RanMs, RetryTimeMs, DelayMs) when RanMs > RetryTimeMs, RanMs > DelayMs ->
    _ = Failures,
    1;
failures(Failures, _RanMs, _RetryTimeMs, _DelayMs) ->
    Failures + 1.

%% 0 for the first MaxRetries - 1, then 1, 2, 4 ... 60 s.
delay_ms(Failures, MaxRetries) when Failures < MaxRetries ->
    0;
delay_ms(Failures, MaxRetries) ->
    min(?MAX_DELAY_MS, ?FIRST_DELAY_MS bsl min(Failures - MaxRetries, 16)).

number(Key, Default) ->
    try list_to_integer(config:get("os_daemon_settings", Key, integer_to_list(Default))) of
        Value when Value >= 0 -> Value;
        _ -> Default
    catch
        error:badarg -> Default
    end.
