"""Who asks, and by which scheme: what web servers in front say of it, as far as they are believed."""

import pytest

from outreach.core.settings import Settings
from outreach.core.settings.model import LOOPBACK
from outreach.web.ui.request import came_by_https, client_of


@pytest.mark.parametrize(
    ("named", "place", "said", "client"),
    [
        ("", "192.0.2.1", "198.51.100.1", "192.0.2.1"),
        ("", "127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("", "::1", "invented, 198.51.100.1", "198.51.100.1"),
        ("", "127.0.0.1", "", "127.0.0.1"),
        ("", "127.0.0.1", "not an address", "127.0.0.1"),
        ("192.0.2.1", "127.0.0.1", "198.51.100.1", "127.0.0.1"),
        ("192.0.2.1", "192.0.2.1", "198.51.100.1", "198.51.100.1"),
        ("192.0.2.1", "::ffff:192.0.2.1", "198.51.100.1:4711", "198.51.100.1"),
        ("192.0.2.0/24, 2001:db8::/64", "192.0.2.9", "invented, 198.51.100.1, 2001:db8::5", "198.51.100.1"),
        ("192.0.2.0/24", "192.0.2.9", "192.0.2.8, 192.0.2.7", "192.0.2.8"),
        ("192.0.2.0/24", "198.51.100.1", "192.0.2.8", "198.51.100.1"),
        ("192.0.2.1", "a socket", "198.51.100.1", "a socket"),
    ],
)
def test_only_the_web_servers_in_front_are_believed_about_who_asks(named, place, said, client):
    proxies = Settings(trusted_proxies=named).proxies
    own = {"REMOTE_ADDR": place, "HTTP_X_FORWARDED_FOR": said}
    assert client_of(own, proxies) == client
    is_believed = came_by_https(own | {"HTTP_X_FORWARDED_PROTO": "https"}, proxies)
    assert is_believed == (client != place or said in {"", "not an address"})


@pytest.mark.parametrize(
    ("place", "client"),
    [
        ("2001:db8:0:7:1:2:3:4", "2001:db8:0:7::/64"),
        ("2001:db8:0:7::ffff%eth0", "2001:db8:0:7::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_who_takes_a_new_ipv6_address_for_each_request_is_one_client(place, client):
    assert client_of({"REMOTE_ADDR": place}, ()) == client
    assert client_of({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": place}, LOOPBACK) == client


def test_a_list_of_hops_as_long_as_the_headers_costs_nothing():
    assert client_of({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "a, " * 10_000 + "192.0.2.1"}, LOOPBACK) == (
        "192.0.2.1"
    )


@pytest.mark.parametrize(
    ("said", "forwarded", "client"),
    [
        ("198.51.100.1", "for=198.51.100.1", "198.51.100.1"),
        ("198.51.100.1", 'for="[198.51.100.1]"', "198.51.100.1"),
        ("2001:db8::5", 'proto=https; For="[2001:db8::5]:4711"', "2001:db8::/64"),
        ("invented, 198.51.100.1", "for=invented, for=198.51.100.1;proto=http", "198.51.100.1"),
        ("198.51.100.1, 127.0.0.2", "for=198.51.100.1, for=127.0.0.2", "198.51.100.1"),
        ("203.0.113.9", "for=198.51.100.1", "127.0.0.1"),
        ("203.0.113.9, 127.0.0.2", "for=198.51.100.1, for=127.0.0.2", "127.0.0.2"),
        ("203.0.113.9, 127.0.0.2", "for=127.0.0.2", "127.0.0.2"),
        ("203.0.113.9", "for=unknown", "127.0.0.1"),
        ("203.0.113.9", "by=203.0.113.9", "127.0.0.1"),
        ("203.0.113.9", "", "127.0.0.1"),
        ("", "for=198.51.100.1", "127.0.0.1"),
    ],
)
def test_where_the_web_server_says_forwarded_no_other_list_is_believed(said, forwarded, client):
    own = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": said, "HTTP_FORWARDED": forwarded}
    assert client_of(own, LOOPBACK) == client
