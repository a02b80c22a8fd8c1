"""Status codes that mean something to a cache (RFC 9110, section 15)."""

from typing import Final

# From here on a response is final, and a success.
OK: Final = 200
NO_CONTENT: Final = 204
PARTIAL_CONTENT: Final = 206
# The first that is no success any more.
REDIRECTIONS: Final = 300
NOT_MODIFIED: Final = 304
ERRORS: Final = 400
UNSATISFIABLE: Final = 416
SERVER_ERRORS: Final = 500
LAST: Final = 999
