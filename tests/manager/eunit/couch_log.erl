%% Stands in for CouchDB's log: keeps {Level, Text}.
-module(couch_log).

-export([start/0, stop/0, all/0, count/1, wait_for/1]).
-export([debug/2, info/2, notice/2, error/2]).

start() ->
    ets:new(?MODULE, [public, named_table, ordered_set]).

stop() ->
    ets:delete(?MODULE).

debug(Format, Arguments) -> log(debug, Format, Arguments).
info(Format, Arguments) -> log(info, Format, Arguments).
notice(Format, Arguments) -> log(notice, Format, Arguments).
error(Format, Arguments) -> log(error, Format, Arguments).

log(Level, Format, Arguments) ->
    ets:insert(?MODULE, {erlang:unique_integer([monotonic]), Level, lists:flatten(io_lib:format(Format, Arguments))}),
    ok.

all() ->
    [{Level, Text} || {_, Level, Text} <- ets:tab2list(?MODULE)].

%% How many lines match the regular expression.
count(Pattern) ->
    length([Text || {_, Text} <- all(), re:run(Text, Pattern) =/= nomatch]).

%% The first {Level, Text} that matches, once it is there.
wait_for(Pattern) ->
    wait_for(Pattern, 600).

wait_for(Pattern, 0) ->
    erlang:error({not_logged, Pattern, all()});
wait_for(Pattern, Times) ->
    case [Line || Line = {_, Text} <- all(), re:run(Text, Pattern) =/= nomatch] of
        [Line | _] ->
            Line;
        [] ->
            timer:sleep(50),
            wait_for(Pattern, Times - 1)
    end.
