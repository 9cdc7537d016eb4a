%% A value of [os_daemons] as program and arguments. Pure.
-module(channels_os_daemons_command).

-export([split/1, program/1]).

%% Split at blanks, as a shell does it: 'as it is', "with \" and \\", \x. Nothing is expanded: no variables,
%% patterns, redirections. Values of CouchDB's configuration are lists of bytes.
-spec split(string()) -> {ok, [string()]} | {error, string()}.
split(Command) ->
    split(Command, none, []).

%% split(Rest, Word so far, reversed | none, Words so far, reversed)
split([], none, []) -> {error, "it is empty"};
split([], none, Words) -> {ok, lists:reverse(Words)};
split([], Word, Words) -> {ok, lists:reverse([lists:reverse(Word) | Words])};
split([C | Rest], none, Words) when C =:= $\s; C =:= $\t -> split(Rest, none, Words);
split([C | Rest], Word, Words) when C =:= $\s; C =:= $\t -> split(Rest, none, [lists:reverse(Word) | Words]);
split(Rest, none, Words) -> split(Rest, [], Words);
split([$' | Rest], Word, Words) -> single(Rest, Word, Words);
split([$" | Rest], Word, Words) -> double(Rest, Word, Words);
split([$\\], _Word, _Words) -> {error, "it ends in a backslash"};
split([$\\, C | Rest], Word, Words) -> split(Rest, [C | Word], Words);
split([C | Rest], Word, Words) -> split(Rest, [C | Word], Words).

single([], _Word, _Words) -> {error, "a ' is not closed"};
single([$' | Rest], Word, Words) -> split(Rest, Word, Words);
single([C | Rest], Word, Words) -> single(Rest, [C | Word], Words).

double([], _Word, _Words) -> {error, "a \" is not closed"};
double([$" | Rest], Word, Words) -> split(Rest, Word, Words);
double([$\\, C | Rest], Word, Words) when C =:= $"; C =:= $\\ -> double(Rest, [C | Word], Words);
double([C | Rest], Word, Words) -> double(Rest, [C | Word], Words).

%% The program's name without its folder; "" if there is none.
program(Command) ->
    case split(Command) of
        {ok, [Program | _]} -> filename:basename(Program);
        {error, _} -> ""
    end.
