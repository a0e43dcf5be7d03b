"""What applications and gateways send: received, normalised, stored, and asked for again.

Read `pipeline.py` first. `web.py` joins the routes; the console is mounted beside them by `app`.
"""
