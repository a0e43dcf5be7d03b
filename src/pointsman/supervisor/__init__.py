"""One instance of several processes: sockets, start, restart, reload and end of the roles.

`supervision.py` is the parent's view and reads first; `supervised.py` is a role's own view;
`messages.py` is all they say to each other. Knows no concrete role: whoever starts one brings a
`role.Role`.
"""
