%% The application with real programs: sh and perl, which read and write what the test says.
-module(daemons_tests).
-include_lib("eunit/include/eunit.hrl").

%% A busy machine takes its time.
-define(SECONDS, 180).
-define(WAIT_MS, 60000).

daemons_test_() ->
    Tests = [
        {"it asks and is answered, one line each", fun asks/1},
        {"a change of what it registered ends it by SIGTERM and the end of stdin, and starts it again at once", fun change/1},
        {"only what it registered restarts it, and what it registered stays over a restart", fun registered/1},
        {"what ignores SIGTERM and the end of stdin is killed after kill_timeout, with its children", fun ignores/1},
        {"what it leaves running in its process group ends with it", fun children/1},
        {"its last words are logged, and a line without an end is a line", fun last_words/1},
        {"removed from [os_daemons] it ends; changed there it is another", fun removed/1},
        {"a command line in quotes; a wrong one is told, and waits for a better one", fun command_line/1},
        {"what ends at once is started again with a growing delay, for ever", fun failing/1},
        {"a change of configuration ends the delay", fun change_ends_delay/1},
        {"a program that is not there is told by its path", fun not_there/1},
        {"the manager's end ends its daemons, and it comes back with one of each", fun manager_fails/1},
        {"a daemon's process fails: the daemon ends, and is started again", fun process_fails/1},
        {"run_daemon is killed: the daemon does not outlive it", fun watcher_killed/1},
        {"SIGTERM to the whole service: it is not started again while the node may be ending", fun service_terminated/1},
        {"the application's end gives daemons their time", fun application_stops/1},
        {"what makes a node a manager is not in its environment", fun environment/1},
        {"a flood of questions is answered to the last one, in order", fun flood/1},
        {"above messages_per_second it is read later", fun paced/1},
        {"a flood of log lines while it is stopped and started harms nothing", fun flood_while_stopped/1},
        {"a line of 16 MB is cut off, told, and the next is answered", fun long_line/1},
        {"one that never reads is no longer read, and in the end stopped", fun never_reads/1},
        {"one that registers without end is told, kept small, and answered", fun registers_without_end/1},
        {"a session and process group of its own, CouchDB's working directory, the node's stderr", fun surroundings/1},
        {"one that has closed its stdin may go on", fun closed_stdin/1},
        {"nonsense on stdout gets no answer, and the daemon goes on", fun nonsense/1}
    ],
    {foreach, fun start/0, fun stop/1, [fun(World) -> {Title, {timeout, ?SECONDS, fun() -> Test(World) end}} end || {Title, Test} <- Tests]}.

start() ->
    couch_log:start(),
    config:start([{"os_daemon_settings", "kill_timeout", "20"}]),
    Folder = string:strip(os:cmd("mktemp -d"), right, $\n),
    ok = application:start(channels_os_daemons, temporary),
    Folder.

stop(Folder) ->
    application:stop(channels_os_daemons),
    config:stop(),
    couch_log:stop(),
    os:cmd("rm -rf " ++ Folder).

%% A daemon `d` that is a shell script. $F is the test's folder.
run(Folder, Script) ->
    File = filename:join(Folder, "script"),
    ok = file:write_file(File, ["F=", Folder, "\n", Script]),
    config:set("os_daemons", "d", "sh " ++ File, true).

set(Section, Key, Value) ->
    config:set(Section, Key, Value, true).

%% Once the file is there, with that many lines: they.
lines(Folder, Name, Count) ->
    wait_for(fun() ->
        case file:read_file(filename:join(Folder, Name)) of
            {ok, Text} ->
                Lines = binary:split(Text, <<"\n">>, [global, trim]),
                length(Lines) >= Count andalso Lines;
            _ -> false
        end
    end, {Name, Count}).

wait_for(Fun, What) ->
    wait_for(Fun, What, erlang:monotonic_time(1000) + ?WAIT_MS).

wait_for(Fun, What, Deadline) ->
    case {Fun(), erlang:monotonic_time(1000) > Deadline} of
        {false, true} -> erlang:error({waited_for, What, couch_log:all()});
        {false, false} -> timer:sleep(50), wait_for(Fun, What, Deadline);
        {Value, _} -> Value
    end.

is_alive(Pid) ->
    os:cmd("kill -0 " ++ binary_to_list(Pid) ++ " 2>&1") =:= "".

wait_for_end(Pid) ->
    wait_for(fun() -> not is_alive(Pid) end, {ended, Pid}).

asks(F) ->
    set("s", "a", "1"),
    run(F, "echo '[\"get\",\"s\"]'; read x; echo '[\"get\",\"s\",\"b\"]'; read y; echo \"$x$y\" > $F/seen; cat > /dev/null"),
    ?assertEqual([<<"{\"a\":\"1\"}null">>], lines(F, "seen", 1)).

%% Says in $F/pids when it runs, in $F/ends how it ended.
-define(POLITE, "trap 'echo TERM >> $F/ends' TERM; echo '[\"register\",\"s\",\"a\"]'; echo '[\"get\",\"s\"]'; read x; echo $$ >> $F/pids;"
    "while read x; do :; done; echo EOF >> $F/ends; exit 3").

change(F) ->
    run(F, ?POLITE),
    lines(F, "pids", 1),
    %% Far more often than max_retries would let a failing one run.
    [begin
        Pids = lines(F, "pids", N),
        set("s", "a", "1"),
        wait_for_end(lists:last(Pids))
    end || N <- lists:seq(1, 6)],
    Pids = lines(F, "pids", 7),
    ?assertEqual(7, length(lists:usort(Pids))),
    ?assertEqual(lists:append(lists:duplicate(6, [<<"TERM">>, <<"EOF">>])), lines(F, "ends", 12)),
    ?assertEqual(0, couch_log:count("has ended|failed")).

registered(F) ->
    run(F, "test -e $F/pids || { echo '[\"register\",\"s\"]'; echo '[\"register\",\"t\",\"a\"]'; }; echo '[\"get\",\"s\"]'; read x; echo $$ >> $F/pids; cat > /dev/null"),
    lines(F, "pids", 1),
    set("t", "b", "1"),
    set("other", "a", "1"),
    timer:sleep(300),
    ?assertEqual(1, length(lines(F, "pids", 1))),
    set("t", "a", "1"),
    lines(F, "pids", 2),
    set("s", "anything", "1"),
    lines(F, "pids", 3),
    config:delete("s", "anything", true),
    ?assertEqual(4, length(lines(F, "pids", 4))).

ignores(F) ->
    set("os_daemon_settings", "kill_timeout", "1"),
    run(F, "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > '$F'/child; while :; do sleep 1; done' & "
        "echo '[\"register\",\"s\"]'; echo '[\"get\",\"s\"]'; read x; echo $$ >> $F/pids; while :; do sleep 1; done"),
    [Pid] = lines(F, "pids", 1),
    [Child] = lines(F, "child", 1),
    Before = erlang:monotonic_time(1000),
    set("s", "a", "1"),
    wait_for_end(Pid),
    ?assert(erlang:monotonic_time(1000) - Before >= 900),
    wait_for_end(Child),
    lines(F, "pids", 2),
    couch_log:wait_for("is stopped: signal 9").

children(F) ->
    run(F, "sh -c 'trap \"\" TERM; exec < /dev/null > /dev/null; echo $$ > '$F'/child; while :; do sleep 1; done' & until test -e $F/child; do sleep 0.1; done; exit 0"),
    [Child] = lines(F, "child", 1),
    couch_log:wait_for("has ended: exit status 0"),
    wait_for_end(Child).

last_words(F) ->
    run(F, "trap '' TERM; echo '[\"register\",\"s\"]'; echo '[\"get\",\"s\"]'; read x; echo ready > $F/ready; cat > /dev/null; i=0; "
        "while [ $i -lt 200 ]; do i=$((i + 1)); echo '[\"get\",\"s\"]'; echo '[\"log\",\"bye '$i'\"]'; done; printf '[\"log\",\"the last\"]'"),
    lines(F, "ready", 1),
    config:delete("os_daemons", "d", true),
    couch_log:wait_for("is stopped"),
    ?assertEqual(200, couch_log:count(":: bye [0-9]+$")),
    ?assertEqual(1, couch_log:count(":: the last$")),
    ?assertEqual(0, couch_log:count("ignored")).

removed(F) ->
    run(F, "echo $$ >> $F/pids; cat > /dev/null"),
    [First] = lines(F, "pids", 1),
    set("os_daemons", "d", "sh " ++ F ++ "/script again"),
    [First, Second] = lines(F, "pids", 2),
    ?assertNot(is_alive(First)),
    %% The same line again changes nothing.
    set("os_daemons", "d", "sh " ++ F ++ "/script again"),
    timer:sleep(300),
    ?assert(is_alive(Second)),
    config:delete("os_daemons", "d", true),
    wait_for_end(Second),
    timer:sleep(300),
    ?assertEqual(2, length(lines(F, "pids", 2))).

command_line(F) ->
    set("os_daemons", "d", "sh -c 'echo \"$0:$1:$*\" > \"$2\"; cat' \"a b\" c\\ d '" ++ F ++ "/seen'"),
    ?assertEqual([list_to_binary("a b:c d:c d " ++ F ++ "/seen")], lines(F, "seen", 1)),
    set("os_daemons", "d", "sh -c 'cat"),
    couch_log:wait_for("Daemon \"d\" is not started: its command line is wrong: a ' is not closed"),
    set("os_daemons", "d", "sh -c 'echo x > " ++ F ++ "/better; cat'"),
    lines(F, "better", 1).

failing(F) ->
    run(F, "date +%s%N >> $F/starts; exit 4"),
    Starts = [binary_to_integer(Line) div 1000000 || Line <- lines(F, "starts", 6)],
    Gaps = lists:zipwith(fun(Later, Earlier) -> Later - Earlier end, tl(Starts), lists:droplast(Starts)),
    [_, _, Third, Fourth, Fifth | _] = Gaps,
    ?assert(Third >= 1000),
    ?assert(Fourth >= 2000),
    ?assert(Fifth >= 4000),
    ?assertMatch({error, _}, couch_log:wait_for("Daemon \"d\" has ended: exit status 4")),
    couch_log:wait_for("failed 5 times in a row; started again in 4 s").

change_ends_delay(F) ->
    run(F, "echo '[\"register\",\"s\"]'; echo '[\"get\",\"s\",\"good\"]'; read x; echo $x >> $F/starts; test $x = null && exit 1; cat > /dev/null"),
    couch_log:wait_for("started again in 8 s"),
    set("s", "good", "yes"),
    Before = erlang:monotonic_time(1000),
    wait_for(fun() -> lists:member(<<"\"yes\"">>, lines(F, "starts", 1)) end, good),
    ?assert(erlang:monotonic_time(1000) - Before < 7000).

not_there(_) ->
    set("os_daemons", "d", "/nonexistent/program x"),
    couch_log:wait_for("it could not be started: /nonexistent/program x: No such file").

manager_fails(F) ->
    run(F, "echo $$ >> $F/pids; trap '' TERM; cat > /dev/null; sleep 1"),
    [First] = lines(F, "pids", 1),
    exit(whereis(channels_os_daemons_manager), kill),
    [First, Second] = lines(F, "pids", 2),
    ?assertNot(is_alive(First)),
    timer:sleep(500),
    ?assert(is_alive(Second)),
    ?assertEqual(2, length(lines(F, "pids", 2))).

process_fails(F) ->
    run(F, "echo $$ >> $F/pids; cat > /dev/null"),
    [First] = lines(F, "pids", 1),
    [{_, Pid, _, _}] = supervisor:which_children(channels_os_daemons_daemon_sup),
    exit(Pid, kill),
    wait_for_end(First),
    lines(F, "pids", 2).

watcher_killed(F) ->
    run(F, "trap '' TERM; echo $PPID >> $F/watchers; echo $$ >> $F/pids; while :; do sleep 1; done"),
    [First] = lines(F, "pids", 1),
    [Watcher] = lines(F, "watchers", 1),
    os:cmd("kill -KILL " ++ binary_to_list(Watcher)),
    wait_for_end(First),
    lines(F, "pids", 2),
    %% It ignores everything; don't wait for it.
    set("os_daemon_settings", "kill_timeout", "0").

service_terminated(F) ->
    run(F, "echo $PPID >> $F/watchers; echo $$ >> $F/pids; while read x; do :; done"),
    [First] = lines(F, "pids", 1),
    [Watcher] = lines(F, "watchers", 1),
    os:cmd("kill -TERM " ++ binary_to_list(Watcher)),
    timer:sleep(300),
    ?assert(is_alive(First)),
    Before = erlang:monotonic_time(1000),
    os:cmd("kill -TERM " ++ binary_to_list(First)),
    lines(F, "pids", 2),
    ?assert(erlang:monotonic_time(1000) - Before >= 1900).

application_stops(F) ->
    run(F, "trap '' TERM; echo $$ >> $F/pids; cat > /dev/null; sleep 1; echo '[\"log\",\"done\"]'; echo done > $F/done"),
    [Pid] = lines(F, "pids", 1),
    ok = application:stop(channels_os_daemons),
    ?assertNot(is_alive(Pid)),
    ?assertEqual([<<"done">>], lines(F, "done", 1)),
    ?assertEqual(1, couch_log:count(":: done")),
    ok = application:start(channels_os_daemons).

environment(F) ->
    [os:putenv(Name, "x") || Name <- ["ERL_FLAGS", "ERL_AFLAGS", "ERL_ZFLAGS", "ERL_OTP25_FLAGS", "NOTIFY_SOCKET", "LISTEN_FDS"]],
    os:putenv("OTHER", "y"),
    run(F, "env > $F/env.new; mv $F/env.new $F/env; cat > /dev/null"),
    Lines = lines(F, "env", 1),
    [os:unsetenv(Name) || Name <- ["ERL_FLAGS", "ERL_AFLAGS", "ERL_ZFLAGS", "ERL_OTP25_FLAGS", "NOTIFY_SOCKET", "LISTEN_FDS", "OTHER"]],
    ?assert(lists:member(<<"OTHER=y">>, Lines)),
    ?assertEqual([], [Line || Line <- Lines, re:run(Line, "^(ERL_.*FLAGS|BINDIR|ROOTDIR|EMU|PROGNAME|NOTIFY_SOCKET|LISTEN_FDS)=") =/= nomatch]).

%% Sends Count questions without a pause, while a child of it reads the answers.
flooder(F, Count) ->
    set("os_daemons", "d", lists:flatten(io_lib:format(
        "perl -e '$| = 1; if (fork) { print qq([\"get\",\"n\",\"$_\"]\\n) for 1 .. ~b; wait } "
        "else { open F, \">\", \"~s/answers.new\"; for (1 .. ~b) { print F scalar <STDIN> } close F; rename \"~s/answers.new\", \"~s/answers\" } <STDIN>'",
        [Count, F, Count, F, F]))).

flood(F) ->
    set("os_daemon_settings", "messages_per_second", "1000000"),
    Count = 20000,
    [config:put_quietly("n", integer_to_list(N), integer_to_list(N)) || N <- lists:seq(1, Count)],
    flooder(F, Count),
    Answers = lines(F, "answers", Count),
    ?assertEqual([iolist_to_binary([$", integer_to_list(N), $"]) || N <- lists:seq(1, Count)], Answers).

paced(F) ->
    set("os_daemon_settings", "messages_per_second", "200"),
    Before = erlang:monotonic_time(1000),
    flooder(F, 1000),
    ?assertEqual(1000, length(lines(F, "answers", 1000))),
    ?assert(erlang:monotonic_time(1000) - Before >= 3900).

flood_while_stopped(F) ->
    set("os_daemon_settings", "kill_timeout", "1"),
    run(F, "trap '' TERM; echo $$ >> $F/pids; echo '[\"register\",\"s\"]'; while :; do echo '[\"log\",\"flood\"]'; echo '[\"get\",\"s\"]'; done"),
    [begin
        Pids = lines(F, "pids", N),
        couch_log:wait_for(":: flood"),
        set("s", "a", integer_to_list(N)),
        wait_for_end(lists:last(Pids))
    end || N <- lists:seq(1, 3)],
    lines(F, "pids", 4),
    ?assertEqual(3, couch_log:count("is stopped: signal 9")),
    ?assertEqual(0, couch_log:count("failed|ignored")).

long_line(F) ->
    run(F, "printf '[\"log\",\"'; head -c 16000000 /dev/zero | tr '\\0' x; echo '\"]'; echo '[\"get\",\"s\",\"a\"]'; read x; echo $x > $F/seen; cat > /dev/null"),
    ?assertEqual([<<"null">>], lines(F, "seen", 1)),
    ?assertMatch({error, _}, couch_log:wait_for("Daemon \"d\" sent a line of 16000010 bytes, cut off")),
    ?assertEqual(0, couch_log:count(":: x")).

never_reads(F) ->
    set("os_daemon_settings", "read_timeout", "2"),
    set("os_daemon_settings", "messages_per_second", "1000000"),
    set("n", "long", lists:duplicate(10000, $x)),
    run(F, "echo $$ >> $F/pids; while :; do echo '[\"get\",\"n\"]'; done"),
    [First | _] = lines(F, "pids", 1),
    [{_, Pid, _, _}] = supervisor:which_children(channels_os_daemons_daemon_sup),
    {error, _} = couch_log:wait_for("leaves its answers unread"),
    {message_queue_len, Queue} = process_info(Pid, message_queue_len),
    {memory, Memory} = process_info(Pid, memory),
    ?assert(Queue < 10),
    ?assert(Memory < 2000000),
    wait_for_end(First),
    %% It is a failure like others.
    lines(F, "pids", 2).

%% 500 names of 2 kB, which are too long, then one of 900 bytes after the other; each thousand is followed by a question.
registers_without_end(F) ->
    set("os_daemon_settings", "messages_per_second", "1000000"),
    set("os_daemons", "d", lists:flatten(io_lib:format(
        "perl -e '$| = 1; open F, \">\", \"~s/rounds\"; F->autoflush(1); $name = \"x\" x 900; print qq([\"register\",\"s\",\"a\"]\\n); "
        "print qq([\"register\",\"$_$name$name\"]\\n) for 1 .. 500; while (1) { "
        "for (1 .. 1000) { $n++; print qq([\"register\",\"$n$name\",\"$name\"]\\n) } "
        "print qq([\"get\",\"s\",\"a\"]\\n); print F scalar <STDIN> // exit }'", [F]))),
    ?assertEqual([<<"null">>], lists:usort(lines(F, "rounds", 20))),
    [{_, Pid, _, _}] = supervisor:which_children(channels_os_daemons_daemon_sup),
    ?assert(memory_of(Pid) < 6000000),
    ?assertEqual(1, couch_log:count("registers more than 1000 sections and keys, or names of more than 1024 bytes")),
    %% What came before it is registered.
    set("s", "a", "1"),
    couch_log:wait_for("is restarted after a change of configuration"),
    wait_for(fun() -> [Line || Line <- lines(F, "rounds", 1), Line =:= <<"\"1\"">>] =/= [] end, answered_after_restart).

%% With the binaries that it holds.
memory_of(Pid) ->
    true = erlang:garbage_collect(Pid),
    {memory, Memory} = process_info(Pid, memory),
    {binary, Binaries} = process_info(Pid, binary),
    Memory + lists:sum([Size || {_, Size, _} <- Binaries]).

surroundings(F) ->
    Stderr = os:cmd("readlink /proc/" ++ os:getpid() ++ "/fd/2"),
    {ok, Folder} = file:get_cwd(),
    run(F, "{ pwd; echo $$; ps -o pid=,pgid=,sid= -p $$; readlink /proc/$$/fd/2; } > $F/seen; cat > /dev/null"),
    [Cwd, Pid, Ids, Stderr2] = lines(F, "seen", 4),
    ?assertEqual(list_to_binary(Folder), Cwd),
    %% It leads both, and the session is not the node's.
    ?assertEqual([Pid, Pid, Pid], [Id || Id <- binary:split(Ids, <<" ">>, [global]), Id =/= <<>>]),
    ?assertNotEqual(list_to_binary(string:strip(os:cmd("ps -o sid= -p " ++ os:getpid()), both, $\n)), Pid),
    ?assertEqual(string:strip(Stderr, right, $\n), binary_to_list(Stderr2)).

closed_stdin(F) ->
    set("n", "long", lists:duplicate(10000, $x)),
    run(F, "exec <&-; i=0; while [ $i -lt 100 ]; do i=$((i + 1)); echo '[\"get\",\"n\"]'; done; echo '[\"log\",\"still there\"]'; sleep 1000"),
    couch_log:wait_for(":: still there").

nonsense(F) ->
    run(F, "echo; echo x; echo '[\"get\",1]'; echo '[\"get\",\"s\",{}]'; echo '[\"log\",\"x\",\"info\"]'; head -c 3000 /bin/sh; echo; echo '[\"get\",\"s\",\"a\"]'; "
        "read x; echo $x > $F/seen; cat > /dev/null"),
    ?assertEqual([<<"null">>], lines(F, "seen", 1)).
