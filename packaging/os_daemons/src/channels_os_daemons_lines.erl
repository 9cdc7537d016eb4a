%% A daemon's output, which comes in pieces, as lines. Pure. Holds one piece and the beginning of one line, never
%% more than `Max` bytes of that; what is longer is dropped to its end, and said.
-module(channels_os_daemons_lines).

-export([new/1, add/2, next/1, rest/1]).

-record(lines, {max, piece = <<>>, parts = [], size = 0}).

new(Max) ->
    #lines{max = Max}.

%% Only when next/1 has said `more`.
add(Piece, Lines = #lines{piece = <<>>}) ->
    Lines#lines{piece = Piece}.

%% {line, Binary, Lines} | {too_long, Bytes, Lines} | {more, Lines}
next(Lines = #lines{piece = <<>>}) ->
    {more, Lines};
next(Lines = #lines{piece = Piece}) ->
    case binary:match(Piece, <<"\n">>) of
        {At, 1} ->
            <<Part:At/binary, $\n, Rest/binary>> = Piece,
            complete(hold(Part, Lines#lines{piece = Rest}));
        nomatch ->
            {more, hold(Piece, Lines#lines{piece = <<>>})}
    end.

%% The unterminated line at the end of all output; `none` if there isn't one.
rest(#lines{size = 0}) -> none;
rest(#lines{size = Size, max = Max}) when Size > Max -> {too_long, Size};
rest(#lines{parts = Parts}) -> {line, iolist_to_binary(lists:reverse(Parts))}.

hold(Part, Lines = #lines{size = Size, max = Max}) when Size + byte_size(Part) > Max ->
    Lines#lines{parts = [], size = Size + byte_size(Part)};
hold(<<>>, Lines) ->
    Lines;
hold(Part, Lines = #lines{parts = Parts, size = Size}) ->
    Lines#lines{parts = [Part | Parts], size = Size + byte_size(Part)}.

complete(Lines = #lines{size = Size, max = Max}) when Size > Max ->
    {too_long, Size, Lines#lines{parts = [], size = 0}};
complete(Lines = #lines{parts = Parts}) ->
    {line, iolist_to_binary(lists:reverse(Parts)), Lines#lines{parts = [], size = 0}}.
