"""Who may do what: authentication, attribution, and the ledger of what was spent.

Knows no provider and no route, and is handed header values and names. Only `snapshot_follower`
speaks HTTP, to the collector.
"""
