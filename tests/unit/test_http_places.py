"""What of an environ alone tells the key of a plain GET."""

import pytest

from hybridcache.faces.http.environs import place_of

PLAIN = {
    "REQUEST_METHOD": "GET",
    "HTTP_HOST": "a.example",
    "HTTP_ACCEPT": "*/*",
    "HTTP_COOKIE": "a=b",
    "PATH_INFO": "/a",
    "SCRIPT_NAME": "",
    "QUERY_STRING": "",
    "CONTENT_LENGTH": "",
    "wsgi.url_scheme": "http",
}


def test_plain_requests_have_a_place() -> None:
    """Equal requests have one place, whatever the client's other fields are."""
    place = place_of(PLAIN)

    assert place is not None
    assert place == place_of(PLAIN | {"HTTP_ACCEPT": "text/html"})


@pytest.mark.parametrize(
    "other",
    [
        {"HTTP_HOST": "b.example"},
        {"PATH_INFO": "/b"},
        {"SCRIPT_NAME": "/b"},
        {"QUERY_STRING": "b"},
        {"RAW_URI": "/%61"},
        {"REQUEST_URI": "/%61"},
        {"wsgi.url_scheme": "https"},
    ],
)
def test_each_part_of_a_key_is_part_of_the_place(other: dict[str, str]) -> None:
    """Requests whose keys may differ have different places."""
    assert place_of(PLAIN) != place_of(PLAIN | other)


@pytest.mark.parametrize(
    "other",
    [
        {"REQUEST_METHOD": "HEAD"},
        {"HTTP_AUTHORIZATION": "Basic YTpi"},
        {"HTTP_RANGE": "bytes=0-1"},
        {"HTTP_IF_NONE_MATCH": "*"},
        {"HTTP_CACHE_CONTROL": "no-cache"},
        {"HTTP_X_HTTP_METHOD_OVERRIDE": "PUT"},
        {"HTTP_TRANSFER_ENCODING": "chunked"},
        {"CONTENT_LENGTH": "3"},
        {"HTTP_HOST": "A.example"},
    ],
)
def test_no_place_for_what_says_more(other: dict[str, str]) -> None:
    """A request that says anything of importance is read."""
    assert place_of(PLAIN | other) is None
