-module(command_tests).
-include_lib("eunit/include/eunit.hrl").

split_test_() ->
    [{Command, ?_assertEqual({ok, Words}, channels_os_daemons_command:split(Command))} || {Command, Words} <- [
        {"/usr/bin/x", ["/usr/bin/x"]},
        {"  /usr/bin/x \t a  b ", ["/usr/bin/x", "a", "b"]},
        {"x 'a b' c", ["x", "a b", "c"]},
        {"x \"a b\" c", ["x", "a b", "c"]},
        {"x a' 'b\"c d\"e", ["x", "a bc de"]},
        {"x '' \"\"", ["x", "", ""]},
        {"x 'a\\b' \"a\\\"b\\\\c\\d\"", ["x", "a\\b", "a\"b\\c\\d"]},
        {"x a\\ b \\'c", ["x", "a b", "'c"]},
        {"x $HOME * > ; |", ["x", "$HOME", "*", ">", ";", "|"]},
        {[$x, $\s, 195, 164], ["x", [195, 164]]}
    ]].

what_cannot_be_split_is_said_test_() ->
    [{Command, ?_assertMatch({error, _}, channels_os_daemons_command:split(Command))} ||
        Command <- ["", "  ", "x 'a", "x \"a", "x \"a\\", "x \\"]].

program_test() ->
    ?assertEqual("couchdb-channels", channels_os_daemons_command:program("/usr/bin/couchdb-channels --x")),
    ?assertEqual("", channels_os_daemons_command:program("'")).
