%% The os_daemons protocol: one line of a daemon is read, carried out as far as that needs no daemon, and answered.
%% Every line is survived.
-module(channels_os_daemons_requests).

-export([take/2]).

%% An invalid request is shown up to here.
-define(SHOWN_BYTES, 300).

%% Name is the daemon's, as in the configuration.
-spec take(string(), binary()) -> none | {answer, binary()} | {register, {binary()} | {binary(), binary()}}.
take(Name, Line) ->
    try jiffy:decode(Line) of
        Request -> request(Name, Request, Line)
    catch
        %% Older versions throw {error, ...}, newer ones raise it.
        _:_ -> refuse(Name, "is no JSON", Line)
    end.

request(_Name, [<<"get">>, Section], _Line) when is_binary(Section) ->
    Pairs = config:get(binary_to_list(Section)),
    {answer, encode({[{list_to_binary(Key), list_to_binary(Value)} || {Key, Value} <- Pairs]})};
request(_Name, [<<"get">>, Section, Key], _Line) when is_binary(Section), is_binary(Key) ->
    case config:get(binary_to_list(Section), binary_to_list(Key), undefined) of
        undefined -> {answer, encode(null)};
        Value -> {answer, encode(list_to_binary(Value))}
    end;
request(_Name, [<<"register">>, Section], _Line) when is_binary(Section) ->
    %% Copies: what jiffy gives may be a part of the whole line, and keep that.
    {register, {binary:copy(Section)}};
request(_Name, [<<"register">>, Section, Key], _Line) when is_binary(Section), is_binary(Key) ->
    {register, {binary:copy(Section), binary:copy(Key)}};
request(Name, [<<"log">>, Text], _Line) when is_binary(Text) ->
    log(Name, <<"info">>, Text);
request(Name, [<<"log">>, Text, {Options}], _Line) when is_binary(Text) ->
    log(Name, proplists:get_value(<<"level">>, Options, <<"info">>), Text);
request(Name, _Other, Line) ->
    refuse(Name, "is of no known form", Line).

log(Name, <<"debug">>, Text) -> couch_log:debug("Daemon ~p :: ~s", [Name, binary_to_list(Text)]), none;
log(Name, <<"info">>, Text) -> couch_log:info("Daemon ~p :: ~s", [Name, binary_to_list(Text)]), none;
log(Name, <<"error">>, Text) -> couch_log:error("Daemon ~p :: ~s", [Name, binary_to_list(Text)]), none;
log(Name, Level, Text) ->
    couch_log:error("Daemon ~p logs with an invalid level: ~P", [Name, Level, 20]),
    log(Name, <<"info">>, Text).

refuse(Name, What, Line) ->
    Shown = binary:part(Line, 0, min(byte_size(Line), ?SHOWN_BYTES)),
    couch_log:error("Daemon ~p sent a line that ~s, ignored (~b bytes): ~p", [Name, What, byte_size(Line), Shown]),
    none.

%% Values are bytes; what is no UTF-8 among them must not keep a section from being read.
encode(Value) ->
    iolist_to_binary([jiffy:encode(Value, [force_utf8]), $\n]).
