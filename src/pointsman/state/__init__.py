"""What operators decide at run time, in SQL: keys, tenants, console sessions, audit.

Only the collector opens it. Gateways know it as a `Snapshot`; the modules `snapshot` and
`key_messages` are therefore free of SQL and cheap to import.
"""
