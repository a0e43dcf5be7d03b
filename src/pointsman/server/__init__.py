"""The HTTP surface of the gateway: protocol, guard, routes, headers. Knows ASGI; decides nothing."""
