%% The port to one daemon, which is priv/run_daemon with the daemon behind it; that file has the packets.
-module(channels_os_daemons_port).

-export([open/2, write/2, want_output/1, stop/2, event/1, kill_group/1]).

%% `Arguments`: program and its arguments; `Grace`: seconds that it is given if the node dies.
%% {ok, Port} | {error, Text}
open(Arguments, Grace) ->
    case os:find_executable("perl") of
        false ->
            {error, "there is no perl, which os_daemons are started by"};
        Perl ->
            All = [channels_os_daemons:priv_file("run_daemon"), integer_to_list(Grace) | Arguments],
            Options = [{args, [to_bytes(Argument) || Argument <- All]}, {packet, 4}, binary, exit_status, hide, use_stdio],
            try {ok, open_port({spawn_executable, Perl}, Options)}
            catch error:Reason -> {error, io_lib:format("~p", [Reason])}
            end
    end.

%% Else file names would be encoded once more on their way out.
to_bytes(Text) ->
    case catch list_to_binary(Text) of
        Bytes when is_binary(Bytes) -> Bytes;
        _ -> unicode:characters_to_binary(Text)
    end.

write(Port, Bytes) -> send(Port, [$d, Bytes]).

want_output(Port) -> send(Port, "m").

stop(Port, Seconds) -> send(Port, [$s, <<Seconds:32>>]).

%% A port that has just ended is told by its exit status.
send(Port, Packet) ->
    catch port_command(Port, Packet),
    ok.

%% Of the data of a port's message.
event(<<$p, Pid/binary>>) -> {runs, binary_to_integer(Pid)};
event(<<$f, Reason/binary>>) -> {not_started, binary_to_list(Reason)};
event(<<$w, Count/binary>>) -> {written, binary_to_integer(Count)};
event(<<$o, Piece/binary>>) -> {output, Piece};
event(<<$t>>) -> terminated;
event(<<$x, Status/binary>>) -> {ended, binary_to_list(Status)}.

%% For when run_daemon itself was killed.
kill_group(undefined) -> ok;
kill_group(Pid) -> os:cmd("kill -KILL -" ++ integer_to_list(Pid)), ok.
