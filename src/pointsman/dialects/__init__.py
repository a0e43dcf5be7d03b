"""What clients speak: one folder per dialect, each with the same files.

    read      body -> what deciding needs, decoded partially
    decode    body -> canonical form
    encode    canonical answer -> body
    stream    canonical events -> frames
    dialect   the four together, and the dialect's errors

Bodies of a client whose provider speaks the same dialect are read and never decoded further.
Knows no provider and no route.
"""
