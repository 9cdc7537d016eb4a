%% One daemon of [os_daemons]: a process from its line's coming into the configuration to its going, over all of
%% the program's runs. Started by the manager, which tells it what changes. It ends as `normal` when the
%% program is stopped for good; if it fails itself, the port's closing stops the program.
%%
%% Memory is bounded by never asking for more: the next piece of output is wanted only when all lines of the
%% last one are answered, while the answers are read, and within the messages that a second may have. The rest
%% waits in the daemon's own pipe, and nothing is lost.
-module(channels_os_daemons_daemon).
-behaviour(gen_server).

-export([start_link/2, config_changed/3, restart_if_registered/1, stop/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2, code_change/3]).

%% Answers that the daemon has not read yet; with more no further request is taken.
-define(UNREAD_ANSWERS, 65536).
%% Of one daemon. They are kept over restarts, so that without a bound its program could fill the node's memory.
-define(REGISTRATIONS, 1000).
-define(NAME_BYTES, 1024).
%% On top of kill_timeout, for run_daemon to say that it is done.
-define(REPORT_MS, 5000).
%% Before a restart when somebody sent SIGTERM to the whole service: the node is about to be stopped, too.
-define(TERMINATED_MS, 2000).

-record(daemon, {
    name,
    command,
    phase = waiting,      % waiting (for a restart or a better command line) | running | stopping
    then = restart,       % what follows phase stopping: restart | finish | crash
    registered = [],      % {Section} and {Section, Key}, binaries; kept over restarts
    refused = false,      % it was said of this run that it registers too much
    port,
    pid,                  % of the program, as the system counts
    lines,
    asked = false,        % a piece of output is on its way
    unread = 0,           % bytes of answers
    allowance = 0.0,      % messages
    allowance_at = 0,
    resume,               % timer: allowance again
    read_limit,           % timer: answers are unread
    restart,              % timer
    started_at = 0,
    failures = 0,
    delay = 0,
    terminated = false
}).

start_link(Name, Command) ->
    gen_server:start_link(?MODULE, {Name, Command}, []).

config_changed(Pid, Section, Key) ->
    gen_server:cast(Pid, {config_changed, Section, Key}).

%% Changes may have been missed.
restart_if_registered(Pid) ->
    gen_server:cast(Pid, restart_if_registered).

stop(Pid) ->
    gen_server:cast(Pid, stop).

init({Name, Command}) ->
    process_flag(trap_exit, true),
    self() ! start,
    {ok, #daemon{name = Name, command = Command}}.

handle_call(_Request, _From, Daemon) ->
    {reply, unknown, Daemon}.

handle_cast({config_changed, Section, Key}, Daemon) ->
    case is_registered(Section, Key, Daemon) of
        true -> {noreply, restart(Daemon)};
        false -> {noreply, Daemon}
    end;
handle_cast(restart_if_registered, Daemon = #daemon{registered = [_ | _]}) ->
    {noreply, restart(Daemon)};
handle_cast(stop, Daemon = #daemon{phase = waiting}) ->
    {stop, normal, Daemon};
handle_cast(stop, Daemon) ->
    {noreply, stop_program(finish, Daemon)};
handle_cast(_Request, Daemon) ->
    {noreply, Daemon}.

handle_info({Port, {data, Packet}}, Daemon = #daemon{port = Port}) ->
    {noreply, event(channels_os_daemons_port:event(Packet), Daemon)};
handle_info({Port, {exit_status, _}}, Daemon = #daemon{port = Port, pid = Pid}) ->
    %% Without a word before it.
    channels_os_daemons_port:kill_group(Pid),
    after_end(ended("unknown: what watched it was killed", Daemon));
handle_info(after_end, Daemon) ->
    after_end(Daemon);
handle_info(start, Daemon = #daemon{phase = waiting}) ->
    {noreply, start(Daemon)};
handle_info(resume, Daemon = #daemon{port = Port}) when Port =/= undefined ->
    {noreply, take_lines(Daemon#daemon{resume = undefined})};
handle_info({unread, Port}, Daemon = #daemon{phase = running, port = Port, name = Name}) ->
    couch_log:error("Daemon ~p leaves its answers unread (~b bytes for ~b s); it is stopped and started again",
        [Name, Daemon#daemon.unread, channels_os_daemons_limits:read_timeout_ms() div 1000]),
    {noreply, stop_program(crash, Daemon#daemon{read_limit = undefined})};
handle_info(_Message, Daemon) ->
    %% Of a run that is over.
    {noreply, Daemon}.

%% The node stops, or the manager has failed.
terminate(_Reason, #daemon{port = undefined}) ->
    ok;
terminate(_Reason, Daemon = #daemon{port = Port}) ->
    Stopping = stop_program(finish, Daemon),
    Timeout = channels_os_daemons_limits:kill_timeout() * 1000 + ?REPORT_MS,
    Timer = erlang:send_after(Timeout, self(), {gone, Port}),
    wait_for_end(Stopping),
    _ = erlang:cancel_timer(Timer),
    ok.

wait_for_end(#daemon{port = undefined}) ->
    ok;
wait_for_end(Daemon = #daemon{port = Port}) ->
    receive
        {Port, {data, Packet}} -> wait_for_end(event(channels_os_daemons_port:event(Packet), Daemon));
        {Port, {exit_status, _}} -> channels_os_daemons_port:kill_group(Daemon#daemon.pid);
        {gone, Port} -> channels_os_daemons_port:kill_group(Daemon#daemon.pid)
    end.

code_change(_Old, Daemon, _Extra) ->
    {ok, Daemon}.

%% Start and stop

start(Daemon = #daemon{name = Name, command = Command}) ->
    case channels_os_daemons_command:split(Command) of
        {ok, Arguments} ->
            open(Arguments, Daemon#daemon{restart = undefined});
        {error, What} ->
            couch_log:error("Daemon ~p is not started: its command line is wrong: ~s: ~s", [Name, What, Command]),
            Daemon
    end.

open(Arguments, Daemon = #daemon{name = Name}) ->
    Now = now_ms(),
    case channels_os_daemons_port:open(Arguments, channels_os_daemons_limits:kill_timeout()) of
        {ok, Port} ->
            channels_os_daemons_port:want_output(Port),
            Daemon#daemon{
                phase = running, asked = true, port = Port, pid = undefined, unread = 0, terminated = false, refused = false, started_at = Now,
                lines = channels_os_daemons_lines:new(channels_os_daemons_limits:max_line()),
                allowance = float(channels_os_daemons_limits:messages_per_second()), allowance_at = Now
            };
        {error, What} ->
            couch_log:error("Daemon ~p cannot be started: ~s", [Name, What]),
            start_later(Daemon#daemon{started_at = Now})
    end.

%% For a change of configuration: no failure. One that waits, too, may now have what it lacked.
restart(Daemon = #daemon{phase = running, name = Name}) ->
    couch_log:info("Daemon ~p is restarted after a change of configuration", [Name]),
    stop_program(restart, Daemon);
restart(Daemon = #daemon{phase = stopping, then = crash}) ->
    Daemon#daemon{then = restart};
restart(Daemon = #daemon{phase = stopping}) ->
    Daemon;
restart(Daemon = #daemon{phase = waiting}) ->
    start(cancel(#daemon.restart, Daemon#daemon{failures = 0})).

stop_program(Then, Daemon = #daemon{phase = running, port = Port}) ->
    channels_os_daemons_port:stop(Port, channels_os_daemons_limits:kill_timeout()),
    Stopping = cancel(#daemon.resume, cancel(#daemon.read_limit, Daemon#daemon{phase = stopping, then = Then})),
    %% What is left of its output is still read, so that it can end.
    take_lines(Stopping);
stop_program(Then, Daemon = #daemon{phase = stopping}) ->
    Daemon#daemon{then = Then}.

ended(Status, Daemon = #daemon{phase = Phase, name = Name, lines = Lines}) ->
    Last = last_line(channels_os_daemons_lines:rest(Lines), Daemon),
    case Phase of
        running -> couch_log:error("Daemon ~p has ended: ~s", [Name, Status]);
        stopping -> couch_log:info("Daemon ~p is stopped: ~s", [Name, Status])
    end,
    cancel(#daemon.resume, cancel(#daemon.read_limit, Last#daemon{port = undefined, pid = undefined})).

after_end(Daemon = #daemon{phase = stopping, then = finish}) ->
    {stop, normal, Daemon};
after_end(Daemon = #daemon{phase = stopping, then = restart}) ->
    {noreply, start(Daemon#daemon{phase = waiting, failures = 0})};
after_end(Daemon) ->
    {noreply, start_later(Daemon)}.

start_later(Daemon = #daemon{name = Name, started_at = StartedAt, delay = Last}) ->
    RetryTime = channels_os_daemons_limits:retry_time_ms(),
    Failures = channels_os_daemons_limits:failures(Daemon#daemon.failures, now_ms() - StartedAt, RetryTime, Last),
    Delay = channels_os_daemons_limits:delay_ms(Failures, channels_os_daemons_limits:max_retries()),
    case Delay of
        0 -> ok;
        _ -> couch_log:error("Daemon ~p failed ~b times in a row; started again in ~b s", [Name, Failures, Delay div 1000])
    end,
    Least = case Daemon#daemon.terminated of true -> ?TERMINATED_MS; false -> 0 end,
    Timer = erlang:send_after(max(Delay, Least), self(), start),
    Daemon#daemon{phase = waiting, restart = Timer, failures = Failures, delay = Delay}.

%% What the program says

event({runs, Pid}, Daemon) ->
    Daemon#daemon{pid = Pid};
event({not_started, Reason}, Daemon = #daemon{command = Command}) ->
    ended_in_event(io_lib:format("it could not be started: ~s: ~s", [Command, Reason]), Daemon);
event({written, Count}, Daemon) ->
    take_lines(cancel(#daemon.read_limit, Daemon#daemon{unread = Daemon#daemon.unread - Count}));
event({output, Piece}, Daemon = #daemon{lines = Lines}) ->
    take_lines(Daemon#daemon{asked = false, lines = channels_os_daemons_lines:add(Piece, Lines)});
event(terminated, Daemon) ->
    Daemon#daemon{terminated = true};
event({ended, Status}, Daemon) ->
    ended_in_event(Status, Daemon).

ended_in_event(Status, Daemon) ->
    self() ! after_end,
    ended(Status, Daemon).

%% Lines until there is none, or until it has to wait; then whoever ends the waiting calls this again.
take_lines(Daemon = #daemon{asked = true}) ->
    Daemon;
take_lines(Daemon = #daemon{phase = running, unread = Unread, port = Port, read_limit = undefined}) when Unread > ?UNREAD_ANSWERS ->
    case channels_os_daemons_limits:read_timeout_ms() of
        0 -> Daemon;
        Timeout -> Daemon#daemon{read_limit = erlang:send_after(Timeout, self(), {unread, Port})}
    end;
take_lines(Daemon = #daemon{phase = running, unread = Unread}) when Unread > ?UNREAD_ANSWERS ->
    Daemon;
take_lines(Daemon = #daemon{resume = Timer}) when Timer =/= undefined ->
    Daemon;
take_lines(Daemon = #daemon{allowance = Allowance}) when Allowance < 1 ->
    wait_for_allowance(Daemon);
take_lines(Daemon = #daemon{lines = Lines, port = Port, name = Name, allowance = Allowance}) ->
    case channels_os_daemons_lines:next(Lines) of
        {line, Line, Rest} ->
            take_lines(take_line(Line, Daemon#daemon{lines = Rest, allowance = Allowance - 1}));
        {too_long, Bytes, Rest} ->
            too_long(Name, Bytes),
            take_lines(Daemon#daemon{lines = Rest, allowance = Allowance - 1});
        {more, Rest} ->
            channels_os_daemons_port:want_output(Port),
            Daemon#daemon{asked = true, lines = Rest}
    end.

take_line(Line, Daemon = #daemon{name = Name, port = Port, unread = Unread}) ->
    case channels_os_daemons_requests:take(Name, Line) of
        none ->
            Daemon;
        {register, What} ->
            add_registration(What, Daemon);
        {answer, _Answer} when Daemon#daemon.phase =/= running ->
            Daemon;
        {answer, Answer} ->
            channels_os_daemons_port:write(Port, Answer),
            Daemon#daemon{unread = Unread + byte_size(Answer)}
    end.

add_registration(What, Daemon = #daemon{registered = Registered, name = Name, refused = Refused}) ->
    Fits = length(Registered) < ?REGISTRATIONS andalso lists:all(fun(Text) -> byte_size(Text) =< ?NAME_BYTES end, tuple_to_list(What)),
    case lists:member(What, Registered) of
        true ->
            Daemon;
        false when Fits ->
            Daemon#daemon{registered = [What | Registered]};
        false ->
            Refused orelse couch_log:error("Daemon ~p registers more than ~b sections and keys, or names of more than ~b bytes; "
                "what is beyond is ignored", [Name, ?REGISTRATIONS, ?NAME_BYTES]),
            Daemon#daemon{refused = true}
    end.

%% Names of characters that are no bytes are nobody's.
is_registered(Section, Key, #daemon{registered = Registered}) ->
    [SectionBytes, KeyBytes] = [catch list_to_binary(Text) || Text <- [Section, Key]],
    lists:member({SectionBytes}, Registered) orelse lists:member({SectionBytes, KeyBytes}, Registered).

last_line(none, Daemon) ->
    Daemon;
last_line({too_long, Bytes}, Daemon) ->
    too_long(Daemon#daemon.name, Bytes),
    Daemon;
last_line({line, Line}, Daemon) ->
    take_line(Line, Daemon#daemon{phase = stopping}),
    Daemon.

too_long(Name, Bytes) ->
    couch_log:error("Daemon ~p sent a line of ~b bytes, cut off: ~b are allowed ([os_daemon_settings] max_line)",
        [Name, Bytes, channels_os_daemons_limits:max_line()]).

%% The allowance grows with time, to that of one second at most.
wait_for_allowance(Daemon = #daemon{allowance = Allowance, allowance_at = At}) ->
    Rate = channels_os_daemons_limits:messages_per_second(),
    Now = now_ms(),
    case min(float(Rate), Allowance + Rate * max(0, Now - At) / 1000) of
        Enough when Enough >= 1 ->
            take_lines(Daemon#daemon{allowance = Enough, allowance_at = Now});
        TooLittle ->
            Timer = erlang:send_after(1000 div Rate + 1, self(), resume),
            Daemon#daemon{allowance = TooLittle, allowance_at = Now, resume = Timer}
    end.

cancel(Field, Daemon) ->
    case element(Field, Daemon) of
        undefined ->
            Daemon;
        Timer ->
            _ = erlang:cancel_timer(Timer),
            setelement(Field, Daemon, undefined)
    end.

%% OTP 17 has no monotonic time.
now_ms() ->
    try erlang:monotonic_time(1000)
    catch
        error:undef ->
            {Mega, Seconds, Micro} = os:timestamp(),
            (Mega * 1000000 + Seconds) * 1000 + Micro div 1000
    end.
