%% Keeps as many daemons as [os_daemons] has lines, and tells each what changes in the configuration. What
%% CouchDB should have set for couchdb-channels is seen to before that daemon is started.
-module(channels_os_daemons_manager).
-behaviour(gen_server).

-export([start_link/0]).
-export([handle_config_change/5, handle_config_terminate/3]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2, code_change/3]).

-define(LISTEN_AGAIN_MS, 5000).
%% After a daemon's process, not its program, has failed.
-define(AFTER_FAILURE_MS, 5000).

%% `daemons`: [{Name, Command, Pid, Monitor, runs | stops}]; while one stops, its name is taken.
-record(manager, {daemons = [], feeds_timer}).

start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% CouchDB's config_listener: called in another process, which must not wait. A change to the same
%% value is a change, too.
handle_config_change(Section, Key, Value, _Persist, State) ->
    gen_server:cast(?MODULE, {config_change, Section, Key, Value}),
    {ok, State}.

handle_config_terminate(_Subscriber, stop, _State) ->
    ok;
handle_config_terminate(_Subscriber, _Reason, _State) ->
    case whereis(?MODULE) of
        undefined -> ok;
        Pid -> erlang:send_after(?LISTEN_AGAIN_MS, Pid, listen_again)
    end.

init([]) ->
    ok = config:listen_for_changes(?MODULE, nil),
    {ok, bound_feeds(reload(#manager{}))}.

handle_call(_Request, _From, Manager) ->
    {reply, unknown, Manager}.

handle_cast({config_change, Section, Key, Value}, Manager = #manager{daemons = Daemons}) ->
    [channels_os_daemons_daemon:config_changed(Pid, Section, Key) || {_, _, Pid, _, _} <- Daemons],
    case Section of
        "os_daemons" ->
            {noreply, reload(Manager)};
        _ ->
            channels_os_daemons_settings:changed(Section, Key, Value),
            {noreply, case {Section, Key} of
                {"fabric", "changes_duration"} -> bound_feeds(Manager);
                _ -> Manager
            end}
    end;
handle_cast(_Request, Manager) ->
    {noreply, Manager}.

handle_info({'DOWN', Monitor, process, _, Reason}, Manager = #manager{daemons = Daemons}) ->
    case lists:keytake(Monitor, 4, Daemons) of
        {value, {_, _, _, _, stops}, Others} ->
            {noreply, reload(Manager#manager{daemons = Others})};
        {value, {Name, _, _, _, runs}, Others} ->
            couch_log:error("Daemon ~p: its process failed: ~P", [Name, Reason, 50]),
            erlang:send_after(?AFTER_FAILURE_MS, self(), reload),
            {noreply, Manager#manager{daemons = Others}};
        false ->
            {noreply, Manager}
    end;
handle_info(reload, Manager) ->
    {noreply, reload(Manager)};
handle_info(end_feeds, Manager) ->
    channels_os_daemons_settings:end_feeds(),
    {noreply, bound_feeds(Manager)};
handle_info(listen_again, Manager) ->
    case catch config:listen_for_changes(?MODULE, nil) of
        ok ->
            Reloaded = reload(Manager),
            [channels_os_daemons_daemon:restart_if_registered(Pid) || {_, _, Pid, _, _} <- Reloaded#manager.daemons],
            {noreply, Reloaded};
        _ ->
            erlang:send_after(?LISTEN_AGAIN_MS, self(), listen_again),
            {noreply, Manager}
    end;
handle_info(_Message, Manager) ->
    {noreply, Manager}.

terminate(_Reason, _Manager) ->
    ok.

code_change(_Old, Manager, _Extra) ->
    {ok, Manager}.

bound_feeds(Manager = #manager{feeds_timer = Old}) ->
    Old =:= undefined orelse erlang:cancel_timer(Old),
    Manager#manager{feeds_timer = erlang:send_after(channels_os_daemons_settings:feeds_last_ms(), self(), end_feeds)}.

%% Stops what is no longer there as it was, and starts what isn't running. What has changed is started when its old
%% form has ended: that comes here again.
reload(Manager = #manager{daemons = Daemons}) ->
    Configured = [Pair || Pair = {_, Command} <- config:get("os_daemons"), Command =/= ""],
    channels_os_daemons_settings:see_to(Configured),
    Kept = [stop_unless_in(Configured, Daemon) || Daemon <- Daemons],
    Missing = [Pair || Pair = {Name, _} <- Configured, not lists:keymember(Name, 1, Kept)],
    Manager#manager{daemons = Kept ++ [start(Pair) || Pair <- Missing]}.

stop_unless_in(Configured, Daemon = {Name, Command, Pid, Monitor, runs}) ->
    case lists:member({Name, Command}, Configured) of
        true ->
            Daemon;
        false ->
            channels_os_daemons_daemon:stop(Pid),
            {Name, Command, Pid, Monitor, stops}
    end;
stop_unless_in(_Configured, Stopping) ->
    Stopping.

start({Name, Command}) ->
    {ok, Pid} = channels_os_daemons_sup:start_daemon(Name, Command),
    {Name, Command, Pid, erlang:monitor(process, Pid), runs}.
