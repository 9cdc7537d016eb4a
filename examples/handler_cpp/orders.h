#pragma once

#include <couchdb-channels/control/control.h>

// The shop's handlers.
void add_orders(channels::Control& control);
