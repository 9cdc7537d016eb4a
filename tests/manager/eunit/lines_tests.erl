-module(lines_tests).
-include_lib("eunit/include/eunit.hrl").

%% All that comes of these pieces, in order; then what is left.
taken(Max, Pieces) ->
    taken(Pieces, channels_os_daemons_lines:new(Max), []).

taken(Pieces, Lines, Seen) ->
    case channels_os_daemons_lines:next(Lines) of
        {line, Line, Rest} -> taken(Pieces, Rest, [Line | Seen]);
        {too_long, Bytes, Rest} -> taken(Pieces, Rest, [{too_long, Bytes} | Seen]);
        {more, Rest} when Pieces =:= [] -> {lists:reverse(Seen), channels_os_daemons_lines:rest(Rest)};
        {more, Rest} -> taken(tl(Pieces), channels_os_daemons_lines:add(hd(Pieces), Rest), Seen)
    end.

lines_test_() ->
    [{Title, ?_assertEqual({Lines, Rest}, taken(5, Pieces))} || {Title, Pieces, Lines, Rest} <- [
        {"nothing", [], [], none},
        {"one line", [<<"abc\n">>], [<<"abc">>], none},
        {"several in one piece", [<<"a\nb\n\nc\n">>], [<<"a">>, <<"b">>, <<>>, <<"c">>], none},
        {"one in several pieces", [<<"a">>, <<"b">>, <<"c\n">>], [<<"abc">>], none},
        {"as long as is allowed", [<<"12345\n">>, <<"123">>, <<"45\n">>], [<<"12345">>, <<"12345">>], none},
        {"too long, in one piece", [<<"123456\nb\n">>], [{too_long, 6}, <<"b">>], none},
        {"too long, in many", [<<"1234">>, <<"56">>, <<"789">>, <<"0\nb\n">>], [{too_long, 10}, <<"b">>], none},
        {"unterminated", [<<"a\nbc">>], [<<"a">>], {line, <<"bc">>}},
        {"unterminated and too long", [<<"a\n1234567">>], [<<"a">>], {too_long, 7}}
    ]].

what_is_too_long_is_not_kept_test() ->
    Piece = binary:copy(<<"x">>, 65536),
    Lines = lists:foldl(fun(_, Held) ->
        {more, Rest} = channels_os_daemons_lines:next(channels_os_daemons_lines:add(Piece, Held)),
        Rest
    end, channels_os_daemons_lines:new(100000), lists:seq(1, 256)),
    ?assertEqual({too_long, 256 * 65536}, channels_os_daemons_lines:rest(Lines)),
    ?assert(erlang:external_size(Lines) < 1000).
