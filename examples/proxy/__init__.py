"""A caching reverse proxy, built from any HTTP face of the library.

``examples/reverse_proxy.py`` runs it.

A server takes a request from the wire, a face decides, and an origin of the kind that this
face wraps asks the real one. Both ends speak HTTP/1.1 through h11, event by event, so that
what the origin sends is what the client gets: names, values and order of fields, any
status, any reason phrase, interim responses, and a body that breaks off. The proxy itself
adds no field, and none of the client's but Expect is lost that is not of one connection.

Which module does what:

- ``fields``: which field lines go on; ``messages``: what both ends say; ``environ``,
  ``scope``: a request in WSGI's and in ASGI's words and back;
- ``blocking_server``, ``awaiting_server``: run a WSGI or an ASGI application;
- ``blocking_origin``, ``awaiting_origin``: ask the origin, over pooled connections,
  whose ``origin_state`` they share;
- ``wsgi``, ``asgi``, ``transports``, ``adapter``: the origin as a face wants to see it;
- ``relays``: a transport or an adapter as an application, for the servers;
- ``wiring``: which of them make a proxy.
"""
