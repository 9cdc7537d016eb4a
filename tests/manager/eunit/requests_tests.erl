-module(requests_tests).
-include_lib("eunit/include/eunit.hrl").

requests_test_() ->
    {foreach, fun start/0, fun stop/1, [
        fun answers/1, fun logs/1, fun other_lines_get_no_answer/1
    ]}.

start() ->
    couch_log:start(),
    config:start([{"s", "a", "1"}, {"s", "b", "x \"y\""}, {"u", "k", [195, 164]}, {"u", "l", [255, 254]}]).

stop(_) ->
    config:stop(),
    couch_log:stop().

take(Line) ->
    channels_os_daemons_requests:take("test", Line).

shown(Line) ->
    lists:flatten(io_lib:format("~p", [Line])).

answers(_) ->
    [{shown(Line), ?_assertEqual(Answer, take(Line))} || {Line, Answer} <- [
        {<<"[\"get\",\"s\"]">>, {answer, <<"{\"a\":\"1\",\"b\":\"x \\\"y\\\"\"}\n">>}},
        {<<" [ \"get\" , \"s\" ] \r">>, {answer, <<"{\"a\":\"1\",\"b\":\"x \\\"y\\\"\"}\n">>}},
        {<<"[\"get\",\"none\"]">>, {answer, <<"{}\n">>}},
        {<<"[\"get\",\"s\",\"a\"]">>, {answer, <<"\"1\"\n">>}},
        {<<"[\"get\",\"s\",\"none\"]">>, {answer, <<"null\n">>}},
        {<<"[\"get\",\"u\",\"k\"]">>, {answer, <<"\"", 195, 164, "\"\n">>}},
        {<<"[\"register\",\"s\"]">>, {register, {<<"s">>}}},
        {<<"[\"register\",\"s\",\"a\"]">>, {register, {<<"s">>, <<"a">>}}}
    ]] ++ [{"a value that is no UTF-8 is answered", ?_assertMatch({answer, _}, take(<<"[\"get\",\"u\",\"l\"]">>))}].

logs(_) ->
    [{shown(Line), fun() ->
        ?assertEqual(none, take(Line)),
        ?assertEqual({info, "Daemon \"test\" :: hello"}, lists:last(couch_log:all()))
    end} || Line <- [<<"[\"log\",\"hello\"]">>, <<"[\"log\",\"hello\",{}]">>, <<"[\"log\",\"hello\",{\"x\":1}]">>]] ++ [{atom_to_list(Level), fun() ->
        Before = length(couch_log:all()),
        take(iolist_to_binary(["[\"log\",\"hi ~p\",{\"level\":\"", atom_to_list(Level), "\"}]"])),
        ?assertEqual([{Level, "Daemon \"test\" :: hi ~p"}], lists:nthtail(Before, couch_log:all()))
    end} || Level <- [debug, info, error]] ++ [{"any other level is an error, and info", fun() ->
        Before = length(couch_log:all()),
        take(<<"[\"log\",\"hi\",{\"level\":{\"x\":1}}]">>),
        ?assertMatch([{error, _}, {info, "Daemon \"test\" :: hi"}], lists:nthtail(Before, couch_log:all()))
    end}].

other_lines_get_no_answer(_) ->
    [{shown(Line), fun() ->
        Before = length(couch_log:all()),
        ?assertEqual(none, take(Line)),
        ?assertMatch([{error, "Daemon \"test\" sent a line that" ++ _}], lists:nthtail(Before, couch_log:all()))
    end} || Line <- [
        <<>>, <<"x">>, <<"[">>, <<"1">>, <<"null">>, <<"\"get\"">>, <<"{}">>, <<"[]">>, <<"[1]">>, <<"[\"get\"]">>, <<"[\"get\",1]">>,
        <<"[\"get\",null]">>, <<"[\"get\",\"s\",1]">>, <<"[\"get\",{\"s\":1}]">>, <<"[\"get\",\"s\",\"a\",\"b\"]">>, <<"[\"register\"]">>,
        <<"[\"register\",1]">>, <<"[\"register\",\"s\",[]]">>, <<"[\"log\"]">>, <<"[\"log\",1]">>, <<"[\"log\",null,{}]">>,
        <<"[\"log\",\"x\",\"info\"]">>, <<"[\"log\",\"x\",[]]">>, <<"[\"set\",\"s\",\"a\",\"2\"]">>, <<"[\"get\",\"s\"][\"get\",\"s\"]">>,
        <<"[\"log\",\"", 255, 254, "\"]">>, <<"[\"get\",\"", 0, "\"]">>
    ]] ++ [{"deep nesting", fun() -> ?assertEqual(none, take(binary:copy(<<"[">>, 1000000))) end}].
