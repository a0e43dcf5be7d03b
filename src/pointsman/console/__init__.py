"""The console: web pages over what the store keeps. Rendered here, styled and moved by own files.

`site.handlers` is the door. Pages read the store and write nothing but sessions and the audit
trail. Nothing is fetched from elsewhere, and no text of a caller is ever markup.
"""
