%% Stands in for CouchDB's cluster: this node alone, unless set_nodes/1 says otherwise.
-module(mem3).

-export([nodes/0, set_nodes/1]).

nodes() ->
    application:get_env(stdlib, mem3_nodes, [node()]).

set_nodes(Nodes) ->
    application:set_env(stdlib, mem3_nodes, Nodes).
