"""Who may do what: authentication, attribution, and the ledger of what was spent.

Knows no provider, no route and no HTTP: it is handed header values and names.
"""
