{application, stand_in, [
    {description, "stands in for CouchDB"},
    {vsn, "1"},
    {modules, [stand_in]},
    {applications, [kernel, stdlib]},
    {mod, {stand_in, []}}
]}.
