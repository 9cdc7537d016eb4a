%% Two supervisors. The upper one keeps the manager and the lower one together: what is left of daemons when
%% the manager fails is stopped, and a new manager starts with none. The lower one's children are the daemons,
%% which end at the same time when the node stops.
-module(channels_os_daemons_sup).
-behaviour(supervisor).

-export([start_link/0, start_link/1, start_daemon/2]).
-export([init/1]).

-define(DAEMONS, channels_os_daemons_daemon_sup).
%% A daemon's process waits for [os_daemon_settings] kill_timeout and ends by itself; this is for one that hangs.
-define(SHUTDOWN_MS, 600000).

start_link() ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, all).

start_link(daemons) ->
    supervisor:start_link({local, ?DAEMONS}, ?MODULE, daemons).

%% {ok, Pid} of a channels_os_daemons_daemon.
start_daemon(Name, Command) ->
    supervisor:start_child(?DAEMONS, [Name, Command]).

init(all) ->
    {ok, {{one_for_all, 10, 60}, [
        {daemons, {?MODULE, start_link, [daemons]}, permanent, infinity, supervisor, [?MODULE]},
        {manager, {channels_os_daemons_manager, start_link, []}, permanent, 5000, worker, [channels_os_daemons_manager]}
    ]}};
init(daemons) ->
    {ok, {{simple_one_for_one, 0, 1}, [
        {daemon, {channels_os_daemons_daemon, start_link, []}, temporary, ?SHUTDOWN_MS, worker, [channels_os_daemons_daemon]}
    ]}}.
