"""What MISP's network asks of us and brings us: PyMISP connects, a MISP pulls from us and pushes to us.

``ways`` holds what is peculiar to that network, ``sync`` and ``search`` what is read, ``write`` and ``sightings`` what
is brought. What is shown stands on the client's shelves; what is brought goes into the spool, as any client's post.
"""
