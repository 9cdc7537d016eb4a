// [channels_handlers] orders = /usr/local/bin/orders
#include "orders.h"

int main() {
  channels::Control control;
  add_orders(control);
  return channels::serve(control);
}
