"""The API families the gateway can call, one folder each; `registry` builds one from its section.

Each turns the client's body into the provider's, makes one upstream call and hands the answer
back. They do not choose, retry or price, and what an error means is asked of the function given
to them.
"""
