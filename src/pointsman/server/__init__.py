"""The HTTP surface of the gateway: protocol, guard, routes, headers. Decides nothing."""
